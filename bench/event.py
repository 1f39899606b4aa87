"""event: an echo server on the event library, against other libraries and the kernel's own calls."""

import os
import pathlib
import sys

from harness.figures import Comparison, Figure, Trouble, at_least, at_most
from harness.machine import cores, run_load, serving

ROUNDS = 5
SECONDS = float(os.environ.get("BENCH_SECONDS", "1"))  # of one server in one cell

CONNECTIONS = (1, 50, 1000)
MESSAGES = {"64 B": 64, "4 KiB": 4096, "16 KiB": 16384}
CHURN_AT_ONCE = 50
CHURN_COUNT = max(1000, int(10000 * min(1, SECONDS)))
FEW, MANY = 10, 15000
IDLE = 10000


# ---- Echo ----------------------------------------------------------------------------------

def has_io_uring(server):
    folder = pathlib.Path(f"/proc/{server.pid}/fd")
    return any("io_uring" in os.readlink(link) for link in folder.iterdir())


def works_on_io_uring(command):
    """An old kernel has it not, a sandbox may forbid it, and our library then takes epoll."""
    try:
        with serving(command) as server:
            return has_io_uring(server)
    except Trouble:
        return False


def echo_programs(build):
    peers = ("epoll", "libuv", "libevent", "bufferevent")
    ours = build / "bench" / "echo_woshou"
    programs = {"woshou": [ours]}
    programs |= {peer: [build / "bench" / f"echo_{peer}"] for peer in peers}
    on_io_uring = {
        "io_uring": [build / "bench" / "echo_uring"],
        "woshou on io_uring": ["/usr/bin/env", "WOSHOU_EVENT_BACKEND=io_uring", ours],
    }
    for name, command in on_io_uring.items():
        if works_on_io_uring(command):
            programs[name] = command
        else:
            print(f"event: {name}: not to be had here", file=sys.stderr)
    return programs


def messages_targets(connections):
    many = connections == max(CONNECTIONS)
    libevent = at_least(1.4 if many else 1.2)
    return {"epoll": at_least(0.97), "libuv": at_least(1.05 if many else 1.0),
            "libevent": libevent, "bufferevent": libevent}


def echo_figures():
    for connections in CONNECTIONS:
        for message in MESSAGES:
            where = f", {connections:,} of {message}"
            yield Figure("messages" + where, "1/s", messages_targets(connections))
            yield Figure("server CPU time a message" + where, "us", {"epoll": at_most(1.05)})
            yield Figure("load generator's core busy" + where, "%", alone=True)
    yield Figure("connections made and closed", "1/s")
    yield Figure("server CPU time a connection", "us")


def echo(load, command, connections, message):
    with serving(command) as server:
        took = run_load([load, "echo", str(server.port), str(connections), str(MESSAGES[message]),
                         str(int(SECONDS * 1000)), str(server.pid)])
    where = f", {connections:,} of {message}"
    return {
        "messages" + where: took["messages"] / took["wall_ns"] * 1e9,
        "server CPU time a message" + where: took["server_cpu_ns"] / took["messages"] / 1e3,
        "load generator's core busy" + where: took["load_cpu_ns"] / took["wall_ns"] * 100,
    }


def churn(load, command):
    with serving(command) as server:
        took = run_load([load, "churn", str(server.port), str(CHURN_AT_ONCE), str(CHURN_COUNT),
                         str(server.pid)])
    return {
        "connections made and closed": CHURN_COUNT / took["wall_ns"] * 1e9,
        "server CPU time a connection": took["server_cpu_ns"] / CHURN_COUNT / 1e3,
    }


def echo_cells(build):
    load = build / "bench" / "load_echo"
    cells = {f"{connections:,} of {message}": lambda command, connections=connections,
             message=message: echo(load, command, connections, message)
             for connections in CONNECTIONS for message in MESSAGES}
    return {**cells, "connections": lambda command: churn(load, command)}


# ---- In one process ------------------------------------------------------------------------

def in_process(build, program):
    """Ours and epoll's way in the same program."""
    return {way: [build / "bench" / program, way] for way in ("woshou", "epoll")}


ONE_READY = "one wait, one ready"


def wait_one_ready(command):
    turns = str(int(100000 * min(1, SECONDS)))
    few, many, same = (run_load([*command, str(sockets), str(busy), turns])
                       for sockets, busy in ((FEW, FEW), (MANY, MANY), (MANY, FEW)))
    return {
        f"{ONE_READY} of {FEW:,}": few["wait_ps"] / 1e3,
        f"{ONE_READY} of {MANY:,}": many["wait_ps"] / 1e3,
        f"{ONE_READY}, {MANY:,} to {FEW:,}": many["wait_ps"] / few["wait_ps"],
        f"{ONE_READY}, {MANY:,} to {FEW:,}, the same {FEW:,} busy": same["wait_ps"] / few["wait_ps"],
        f"write, wait, read, one of {MANY:,}": many["turn_ps"] / 1e3,
    }


def wait_figures():
    for sockets in (FEW, MANY):
        yield Figure(f"{ONE_READY} of {sockets:,}", "ns")
    yield Figure(f"{ONE_READY}, {MANY:,} to {FEW:,}", "times", at_most(1.5, of="value"))
    yield Figure(f"{ONE_READY}, {MANY:,} to {FEW:,}, the same {FEW:,} busy", "times")
    yield Figure(f"write, wait, read, one of {MANY:,}", "ns")


def wake(command):
    turns = str(int(20000 * min(1, SECONDS)))
    took = run_load([*command, turns, *map(str, cores())])
    return {"set in one thread to wake in another": took["wake_ns"] / 1e3}


def idle(command):
    return {"memory an idle connection": run_load([*command, str(IDLE)])["bytes"] / IDLE}


def comparisons(build):
    return [
        Comparison(in_process(build, "wait_one_ready"), list(wait_figures()),
                   {"one ready": wait_one_ready}),
        Comparison(in_process(build, "wake_thread"),
                   [Figure("set in one thread to wake in another", "us", at_most(1.2))],
                   {"wake": wake}),
        Comparison({"woshou": [build / "bench" / "idle_bytes"]},
                   [Figure("memory an idle connection", "bytes", at_most(256, of="value"))],
                   {"idle": idle}),
        Comparison(echo_programs(build), list(echo_figures()), echo_cells(build)),
    ]
