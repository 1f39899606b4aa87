"""hello: the article's conversation, one thread with events against a thread for each connection."""

import resource

from harness.figures import Comparison, Figure, Trouble, at_least, at_most
from harness.machine import holding, run_load, serving

ROUNDS = 7
# A process is measured for half a second and more, and the whole stays far below three minutes.
COUNTS = {1: 3000, 64: 20000, 1000: 20000}
TIMED = (1, 64)  # with more at once, a conversation's time is their number by their rate
HELD = 5000
DESCRIPTORS = HELD + 100


def programs(build):
    return {
        "woshou": [build / "woshou", "serve", "--hello", "127.0.0.1:0"],
        "hello_threads": [build / "bench" / "hello_threads"],
    }


def figures():
    for at_once in COUNTS:
        where = f", {at_once} at once"
        yield Figure("conversations" + where, "1/s", at_least(1.0) if at_once > 1 else None)
        yield Figure("server CPU time a conversation" + where, "us", at_most(1.0))
        yield Figure("load generator's core busy" + where, "%")
    for at_once in TIMED:
        yield Figure(f"a conversation's time, p50, {at_once} at once", "us")
        yield Figure(f"a conversation's time, p99, {at_once} at once", "us")
    yield Figure("resident memory a held conversation", "bytes", at_most(0.25))


def talk(load, command, at_once):
    count = COUNTS[at_once]
    with serving(command) as server:
        took = run_load([load, "talk", str(server.port), str(at_once), str(count), str(server.pid)])
        if server.lines() < count:
            raise Trouble(f"{command[0]} printed {server.lines()} lines for {count} conversations")
    where = f", {at_once} at once"
    measured = {
        "conversations" + where: count / took["wall_ns"] * 1e9,
        "server CPU time a conversation" + where: took["server_cpu_ns"] / count / 1e3,
        "load generator's core busy" + where: took["load_cpu_ns"] / took["wall_ns"] * 100,
    }
    if at_once in TIMED:
        for part in ("p50", "p99"):
            measured[f"a conversation's time, {part}" + where] = took[part + "_ns"] / 1e3
    return measured


def hold(load, command):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit != resource.RLIM_INFINITY and limit < DESCRIPTORS:
        raise Trouble(f"{HELD} conversations take {DESCRIPTORS} descriptors, the limit is {limit}")
    with serving(command) as server:
        before = server.resident_bytes()
        with holding([load, "hold", str(server.port), str(HELD)]):
            after = server.resident_bytes()
            # Before its clients: it shall not have to tell of each that left without a word.
            server.stop()
    return {"resident memory a held conversation": (after - before) / HELD}


def cells(build):
    load = build / "bench" / "load_hello"
    situations = {f"{at_once} at once": lambda command, at_once=at_once: talk(load, command, at_once)
                  for at_once in COUNTS}
    return {**situations, f"{HELD} held": lambda command: hold(load, command)}


def comparisons(build):
    return [Comparison(programs(build), list(figures()), cells(build))]
