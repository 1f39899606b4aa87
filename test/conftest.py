"""What every end-to-end test starts from: the program, processes that are cleaned up, and their
lines as they come. Nothing here waits for a time to pass; everything waits for something."""

import os
import pathlib
import queue
import re
import signal
import subprocess
import threading
import time

import pytest

# Whatever the language of who runs the tests; those about languages choose their own.
os.environ["LANGUAGE"] = "en"

PATIENCE = float(os.environ.get("WOSHOU_TEST_PATIENCE", "20"))  # seconds until a test gives up


def eventually(condition, what, patience=PATIENCE):
    """Waits until `condition` gives something true, and returns it."""
    end = time.monotonic() + patience
    while not (result := condition()):
        if time.monotonic() > end:
            pytest.fail(f"never came: {what}")
        time.sleep(0.005)
    return result


class Lines:
    """The lines of a pipe, gathered by a thread, so that reading them can have a deadline."""

    def __init__(self, pipe):
        self.queue = queue.Queue()
        self.thread = threading.Thread(target=self._gather, args=(pipe,), daemon=True)
        self.thread.start()

    def _gather(self, pipe):
        for line in pipe:
            self.queue.put(line.decode("utf-8").rstrip("\n"))
        self.queue.put(None)
        pipe.close()

    def next(self, patience=PATIENCE):
        """The next line; None at the end."""
        try:
            return self.queue.get(timeout=patience)
        except queue.Empty:
            pytest.fail("no line came")

    def rest(self):
        """All lines up to the end, which must come."""
        lines = []
        while (line := self.next()) is not None:
            lines.append(line)
        return lines

    def none_yet(self):
        return self.queue.empty()


class Program:
    """A running program."""

    def __init__(self, arguments, **more):
        self.process = subprocess.Popen(arguments, stdin=more.pop("stdin", subprocess.DEVNULL),
                                        stdout=more.pop("stdout", subprocess.PIPE),
                                        stderr=subprocess.PIPE, **more)
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout) if self.process.stdout else None
        self.err = Lines(self.process.stderr)

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        """Its exit status, once it ends by itself."""
        return self.process.wait(timeout=PATIENCE)

    def stopped(self):
        """Its exit status after Ctrl-C."""
        self.signal(signal.SIGINT)
        return self.ended()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@pytest.fixture(scope="session")
def woshou():
    """The program's path."""
    default = pathlib.Path(__file__).resolve().parent.parent / "build" / "woshou"
    path = pathlib.Path(os.environ.get("WOSHOU", default)).resolve()
    if not path.exists():
        pytest.fail(f"{path} is not there: build it, or name it in WOSHOU")
    return str(path)


@pytest.fixture
def start():
    """Starts programs, and ends those that still run after the test."""
    programs = []

    def start_program(*arguments, **more):
        programs.append(Program([str(argument) for argument in arguments], **more))
        return programs[-1]

    yield start_program
    for program in programs:
        program.end()


@pytest.fixture
def serve(woshou, start):
    """Starts `woshou serve --hello` on a free port; .port is its port once it listens."""

    def start_server(*arguments, address="127.0.0.1:0", **more):
        server = start(woshou, "serve", "--hello", address, *arguments, **more)
        line = server.err.next()
        listening = re.fullmatch(r"listening on (.*):(\d+)", line or "")
        assert listening, f"instead of listening: {line}"
        server.host, server.port = listening[1].strip("[]"), int(listening[2])
        return server

    return start_server
