"""text: rooms of woshou against NATS, mosquitto and Redis, and what is acknowledged only once it is kept."""

import contextlib
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time

from harness.figures import Comparison, Figure, Trouble, at_least, at_most
from harness.machine import cores, holding, pinned, run_load, stop

ROUNDS = 5
HELD = 5000
START_S = 10
READERS = (100, 1000)
# Messages said to that many readers; a program that is slow at it gets fewer, for a second or two.
SAID = {100: 30000, 1000: 3000}
SAID_BY_SLOW = {100: 600, 1000: 60}
REACHED = 100
DURABLE = {(64, 16): 300000, (1, 1): 2000}  # senders and outstanding of each: messages
FILE_BYTES = 1 << 30


class Running:
    """A server that listens at `port`, on its core."""

    def __init__(self, process, port):
        self.process, self.pid, self.port = process, process.pid, port

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
        raise Trouble("the server's memory cannot be read")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(process, port):
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise Trouble(f"{process.args[0]} does not listen")


class Program:
    """How a server is started in a folder of its own, and in which tongue it is spoken to."""

    def __init__(self, tongue, command, slow=False):
        self.tongue, self.command, self.slow = tongue, command, slow

    @contextlib.contextmanager
    def running(self):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as folder:
            port = free_port()
            process = subprocess.Popen(
                self.command(pathlib.Path(folder), port), stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **pinned(cores()[0]))
            try:
                wait_until_listening(process, port)
                yield Running(process, port)
            finally:
                stop(process)


def woshou(build, *more):
    return Program("woshou", lambda folder, port: [
        build / "woshou", "serve", "--listen", f"127.0.0.1:{port}", "--dir", folder, *more])


def nats():
    return Program("nats", lambda folder, port: [
        "nats-server", "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder])


def mosquitto():
    def command(folder, port):
        (folder / "conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "max_queued_messages 0\nset_tcp_nodelay true\nlog_type none\n")
        return ["mosquitto", "-c", folder / "conf"]
    return Program("mqtt", command, slow=True)


def redis():
    return Program("redis", lambda folder, port: [
        "redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", folder,
        "--save", "", "--appendonly", "yes", "--appendfsync", "always", "--maxclients", "20000",
        "--client-output-buffer-limit", "pubsub 0 0 0"])


# --- What is measured ---

def fan_out(load, program, readers):
    count = (SAID_BY_SLOW if program.slow else SAID)[readers]
    reached = REACHED // 10 if program.slow else REACHED
    with program.running() as server:
        took = run_load([load, "fanout", program.tongue, str(server.port), str(server.pid),
                         str(readers), str(count), str(reached)])
    where = f", 1 to {readers}"
    return {
        "deliveries" + where: readers * count / took["wall_ns"] * 1e9,
        "server CPU time a delivery" + where: took["server_cpu_ns"] / readers / count,
        "load generator's core busy" + where: took["load_cpu_ns"] / took["wall_ns"] * 100,
        f"from sending to the last of {readers} readers, p50": took["p50_ns"] / 1e3,
    }


def hold(load, program):
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if limit != resource.RLIM_INFINITY and limit < HELD + 200:
        raise Trouble(f"{HELD} connections take {HELD + 200} descriptors, the limit is {limit}")
    with program.running() as server:
        before = server.resident_bytes()
        with holding([load, "hold", program.tongue, str(server.port), str(HELD)]):
            after = server.resident_bytes()
    return {"resident memory an idle connection": (after - before) / HELD}


def durable(load, program, senders, outstanding):
    count = DURABLE[senders, outstanding]
    with program.running() as server:
        took = run_load([load, "durable", program.tongue, str(server.port), str(server.pid),
                         str(senders), str(outstanding), str(count)])
    where = f", {senders} senders with {outstanding} outstanding"
    return {
        "acknowledged" + where: count / took["wall_ns"] * 1e9,
        "server CPU time a message" + where: took["server_cpu_ns"] / count / 1e3,
    }


@contextlib.contextmanager
def sending_files(build, server, path):
    """One file after another to the server, from the load's core."""
    # Nice, so that the load's core has time for the messages: it is the server that is measured.
    script = 'while nice "$0" send --server "$1" "$2" --quiet; do :; done'
    sender = subprocess.Popen(["sh", "-c", script, build / "woshou", f"127.0.0.1:{server.port}", path],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, start_new_session=True, **pinned(cores()[1]))
    try:
        time.sleep(0.5)
        if sender.poll() is not None:
            raise Trouble("the file could not be sent")
        yield
        if sender.poll() is not None:
            raise Trouble("the file was not sent to its end")
    finally:
        os.killpg(sender.pid, 15)
        sender.wait()


def beside_a_file(build, load, program):
    with program.running() as server, tempfile.NamedTemporaryFile() as file:
        file.truncate(FILE_BYTES)

        def latency():
            return run_load([load, "reach", "woshou", str(server.port), str(server.pid), "1",
                             "2000"])["p50_ns"]
        idle = latency()
        with sending_files(build, server, file.name):
            busy = latency()
    return {"a message's time, p50, server idle": idle / 1e3,
            "a message's time, p50, while a file is sent": busy / 1e3,
            "the one by the other": busy / idle}


# --- Comparisons ---

def fan_out_figures():
    for readers in READERS:
        where = f", 1 to {readers}"
        promised = readers == 1000
        yield Figure("deliveries" + where, "1/s", at_least(1.5) if promised else None)
        yield Figure("server CPU time a delivery" + where, "ns", at_most(0.67))
        yield Figure("load generator's core busy" + where, "%")
        yield Figure(f"from sending to the last of {readers} readers, p50", "us")
    yield Figure("resident memory an idle connection", "bytes", at_most(1024, of="value"))


def durable_figures():
    for senders, outstanding in DURABLE:
        where = f", {senders} senders with {outstanding} outstanding"
        promised = senders == 64
        yield Figure("acknowledged" + where, "1/s", {
            "JetStream, not synced": at_least(1.5), "Redis, synced": at_least(1.0)} if promised
            else None)
        yield Figure("server CPU time a message" + where, "us")


def comparisons(build):
    load = build / "bench" / "load_text"
    for name in ("nats-server", "mosquitto", "redis-server"):
        if not shutil.which(name):
            raise Trouble(f"{name} is not installed")
    ours = woshou(build)
    fan_out_cells = {}
    for readers in READERS:
        fan_out_cells[f"1 to {readers}"] = lambda program, readers=readers: fan_out(
            load, program, readers)
    fan_out_cells[f"{HELD} idle"] = lambda program: hold(load, program)
    durable_cells = {
        f"{senders} durable": lambda program, senders=senders, outstanding=outstanding: durable(
            load, program, senders, outstanding)
        for senders, outstanding in DURABLE}
    return [
        Comparison({"woshou": ours, "NATS": nats(), "mosquitto": mosquitto(), "Redis": redis()},
                   list(fan_out_figures()), fan_out_cells),
        Comparison({"woshou": ours, "JetStream, not synced": nats(), "Redis, synced": redis()},
                   list(durable_figures()), durable_cells),
        Comparison({"woshou": woshou(build, "--sink")},
                   [Figure("a message's time, p50, server idle", "us"),
                    Figure("a message's time, p50, while a file is sent", "us"),
                    Figure("the one by the other", "", at_most(2, of="value"))],
                   {"beside a file": lambda program: beside_a_file(build, load, program)}),
    ]
