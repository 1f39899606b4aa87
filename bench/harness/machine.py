"""Programs that are measured: started on one core, asked for their memory, ended again."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from harness.figures import Trouble

START_S = 5  # until a server listens
STOP_S = 5  # until a server that was told to end has ended
LOAD_S = 60  # until a load generator is done, which has a limit of its own below this


def cores():
    """The cores for the server and for its load: two different ones where there are two."""
    allowed = sorted(os.sched_getaffinity(0))
    return allowed[0], allowed[-1]


def pinned(core):
    """For subprocess: the arguments that start a program on that core, in the C locale."""
    return {
        "preexec_fn": lambda: os.sched_setaffinity(0, {core}),
        "env": {**os.environ, "LC_ALL": "C", "LANGUAGE": "C"},
    }


class Progress:
    """One line on standard error that is written anew; where that is no terminal, a line each."""

    def __init__(self, name):
        self.name, self.start = name, time.monotonic()
        self.terminal = sys.stderr.isatty()

    def say(self, text):
        line = f"{self.name}: {text} ({time.monotonic() - self.start:.0f} s)"
        sys.stderr.write(f"\r\033[K{line}" if self.terminal else line + "\n")
        sys.stderr.flush()

    def end(self):
        if self.terminal:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()


def stop(process):
    """Ends it, also where it does not end by itself; it may have ended already."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Server:
    """A server that listens. Every server, ours or a peer, tells its port at the end of its first
    line on standard error."""

    def __init__(self, process, output, errors):
        self.process, self.output, self.errors = process, output, errors
        self.pid = process.pid
        self.port = self.wait_for_port()

    def wait_for_port(self):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            first = self.errors.read_text(errors="replace").partition("\n")
            found = re.search(r":(\d+)$", first[0])
            if first[1] and found:
                return int(found[1])
            time.sleep(0.005)
        raise Trouble(f"{self.process.args[0]} does not listen: {self.errors.read_text()!r}")

    def resident_bytes(self):
        rollup = pathlib.Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Rss:\s+(\d+) kB$", rollup, re.M)[1]) * 1024

    def lines(self):
        """How many lines it has printed."""
        return self.output.read_bytes().count(b"\n")

    def complaint(self):
        """What it said on standard error besides where it listens."""
        return self.errors.read_text(errors="replace").partition("\n")[2].strip()

    def stop(self):
        stop(self.process)


@contextlib.contextmanager
def serving(command):
    """Runs a server on its core, and sees to it that it had nothing to complain of."""
    with tempfile.TemporaryDirectory() as folder:
        output, errors = pathlib.Path(folder, "output"), pathlib.Path(folder, "errors")
        with output.open("ab") as out, errors.open("ab") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       **pinned(cores()[0]))
        try:
            server = Server(process, output, errors)
            yield server
            if server.complaint():
                raise Trouble(f"{command[0]} said: {server.complaint().splitlines()[0]}")
        finally:
            stop(process)


def run_load(command, stdin=subprocess.DEVNULL, limit_s=LOAD_S):
    """Runs a load generator on its core to its end; returns its `name value` lines as numbers."""
    try:
        done = subprocess.run(command, stdin=stdin, capture_output=True, text=True,
                              timeout=limit_s, **pinned(cores()[1]))
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[0]} did not end within {limit_s} s") from None
    if done.returncode:
        raise Trouble(f"{command[0]} ended with status {done.returncode}: {done.stderr.strip()}")
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


@contextlib.contextmanager
def holding(command):
    """Runs a load generator until it has told in one line that it holds what it was told to; it
    lets go at the end of its input."""
    load = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                            **pinned(cores()[1]))
    try:
        if not load.stdout.readline():
            raise Trouble(f"{command[0]} ended with status {load.wait()}")
        yield
    finally:
        load.stdin.close()
        load.stdout.close()
        load.wait()
