"""Rooms of text, end to end: what clients say and get, and what becomes of it when things go wrong."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import termios
import threading
import time
import urllib.error
import urllib.request

import pytest

import frames
from conftest import PATIENCE, eventually
from frames import Client, Closed

KILLS = int(os.environ.get("WOSHOU_TEST_KILLS", "100"))


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "server"


@pytest.fixture
def server(woshou, start, folder, monkeypatch, tmp_path):
    """Starts `woshou serve`; .port, .lines_port and .metrics say where it listens."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("WOSHOU_SERVER", raising=False)
    monkeypatch.setenv("USER", "tester")

    def start_server(*arguments, listen="127.0.0.1:0", where=folder, **more):
        program = start(woshou, "serve", "--listen", listen, "--lines", "0", "--metrics", "0",
                        "--dir", where, *arguments, **more)
        program.told = []
        found = {}
        while len(found) < 3:
            line = program.err.next()
            assert line is not None, program.told
            program.told.append(line)
            for key, form in (("port", r"listening on .*:(\d+)"), ("lines", r"plain lines on .*:(\d+)"),
                              ("metrics", r"metrics on (http://.*)")):
                if match := re.fullmatch(form, line):
                    found[key] = match[1]
        program.port, program.lines_port = int(found["port"]), int(found["lines"])
        program.metrics_url = found["metrics"]
        program.at = f"127.0.0.1:{program.port}"
        return program

    return start_server


def run(*command, stdin="", status=0, **more):
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=True,
                          timeout=PATIENCE, **more)
    assert done.returncode == status, (done.stdout, done.stderr)
    return done


def metric(server, name):
    with urllib.request.urlopen(server.metrics_url, timeout=PATIENCE) as answer:
        page = answer.read().decode()
    return int(re.search(rf"^woshou_{name} (\d+)$", page, re.M)[1])


def texts(rows):
    return [row["text"] for row in rows]


# --- The verbs ---


def test_what_is_said_is_in_the_history(woshou, server):
    at = server().at
    run(woshou, "say", "--server", at, "lobby", "good", "morning 你好")
    run(woshou, "talk", at, "lobby", "--name", "anna", stdin="one\r\ntwo\n\nthree")
    out = run(woshou, "history", "--server", at, "--json", "lobby").stdout
    rows = [json.loads(line) for line in out.splitlines()]
    assert [(row["seq"], row["name"], row["text"]) for row in rows] == [
        (1, "tester", "good morning 你好"), (2, "anna", "one"), (3, "anna", "two"), (4, "anna", "three")]
    plain = run(woshou, "history", "--server", at, "--last", 1, "lobby").stdout
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d anna: three\n", plain)


def test_history_from_a_number_a_time_and_by_words(woshou, server):
    at = server().at
    run(woshou, "talk", at, stdin="apples and pears\n握手是开始\napricots\n再见了朋友\n")

    def found(*options):
        out = run(woshou, "history", "--server", at, "--json", *options, "lobby").stdout
        return [json.loads(line)["seq"] for line in out.splitlines()]
    assert found("--since", 3) == [3, 4]
    assert found("--since", 2, "--until", 3) == [2, 3]
    assert found("--since", "1h") == [1, 2, 3, 4]
    assert found("--since", "2999-01-01") == []
    assert found("--last", 2) == [3, 4]
    assert found("--search", "pears apples") == [1]
    assert found("--search", "ap*") == [1, 3]
    assert found("--search", "开始") == [2]
    assert found("--search", "始开") == []
    assert found("--search", 'say "no" OR 1') == []
    assert found("--search", "ap*", "--last", 1) == [3]


def test_talk_shows_what_others_say(woshou, server, start):
    at = server().at
    talk = start(woshou, "talk", at, "--json", "--stay")
    assert json.loads(talk.out.next())["what"] == "joined"
    run(woshou, "say", "--server", at, "--name", "bob", "lobby", "hi there")
    events = []
    while not events or events[-1]["what"] != "message":
        events.append(json.loads(talk.out.next()))
    assert (events[-1]["name"], events[-1]["text"], events[-1]["kind"]) == ("bob", "hi there", "said")
    assert talk.stopped() == 0


def test_one_person_alone(woshou, server):
    at = server()
    with Client(at.port, name="bob", room="lobby") as bob, Client(at.port, name="eve", room="lobby") as eve:
        run(woshou, "say", "--server", at.at, "--to", "bob", "psst")
        fields = bob.expect(frames.DIRECT).fields()
        fields.take("Q")
        assert (fields.text(), fields.text()) == ("tester", "psst")
        eve.send(frames.frame(frames.PING, b"x"))
        assert eve.expect(frames.DIRECT, frames.PONG).kind == frames.PONG
        done = run(woshou, "say", "--server", at.at, "--to", "nobody", "psst", status=1)
        assert done.stderr == "woshou: nobody of that name is here\n"
        assert eve.history("lobby") == []


def test_many_lines_are_all_acknowledged(woshou, server):
    at = server().at
    lines = "".join(f"line {i}\n" for i in range(20000))
    out = run(woshou, "talk", at, "big", "--json", stdin=lines).stdout
    assert sum(json.loads(line)["what"] == "said" for line in out.splitlines()) == 20000
    back = run(woshou, "history", "--server", at, "--json", "big").stdout
    assert [json.loads(line)["text"] for line in back.splitlines()] == lines.splitlines()


@pytest.mark.parametrize("line, sentence", [
    (b"\xff\xfe", "a line is not UTF-8 and was not said"),
    (b"a\0b", "a line is not UTF-8 and was not said"),
    (b"x" * 32769, "a line is longer than 32768 bytes and was not said"),
])
def test_a_line_that_cannot_be_said(woshou, server, line, sentence):
    at = server().at
    done = subprocess.run([woshou, "talk", at], input=b"before\n" + line + b"\nafter\n", capture_output=True,
                          timeout=PATIENCE)
    assert (done.returncode, done.stderr.decode()) == (1, f"woshou: {sentence}\n")
    out = run(woshou, "history", "--server", at, "lobby").stdout
    assert "before" in out


@pytest.mark.parametrize("command, sentence", [
    (["talk", "localhost", " x"], "a room's name is 1 to 64 bytes of visible characters"),
    (["talk", "localhost", "a", "b"], "'b' is one word too many"),
    (["talk", "--last", "-1"], "--last: a number from 0 to 1000000, not '-1'"),
    (["say"], "say where: ROOM"),
    (["say", "lobby"], "say what: TEXT"),
    (["say", "lobby", "--to", "bob", "x"], "either ROOM or --to NAME"),
    (["say", "--to", "", "x"], "--to: a name is 1 to 64 bytes of visible characters"),
    (["history"], "say of which room: ROOM"),
    (["history", "--since", "yesterday", "lobby"], "--since: 'yesterday' is no number, date or time"),
    (["history", "--search", " ", "lobby"], "--search: there is no word in it"),
    (["serve", "--workers", "0"], "--workers: a number from 1 to 64, not '0'"),
    (["serve", "--metrics", "0.0.0.0:0"], "--metrics: only for this machine: 127.0.0.1 or [::1]"),
])
def test_wrong_arguments(woshou, command, sentence):
    done = run(woshou, *command, status=2)
    assert done.stderr.splitlines()[0].startswith(f"woshou: {sentence}")


@pytest.mark.parametrize("words, text", [
    (["--json", "r", "--name", "bob", "one", "--two", "-3"], "one --two -3"),
    (["r", "--", "--dash"], "--dash"),
    (["r", "-"], "-"),
])
def test_options_stand_before_the_text(woshou, server, words, text):
    program = server()
    run(woshou, "say", "--server", program.at, *words)
    with Client(program.port) as client:
        assert texts(client.history("r")) == [text]


def test_no_server(woshou):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{probe.getsockname()[1]}"
        for command in (["talk", at], ["say", "--server", at, "lobby", "x"],
                        ["history", "--server", at, "lobby"]):
            assert run(woshou, *command, status=1).stderr == f"woshou: {at}: connection refused\n"


# --- The terminal ---


class Screen:
    """A terminal of 80 columns, with `woshou talk` in it."""

    def __init__(self, *command):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave,
                                        stderr=slave, start_new_session=True,
                                        env={**os.environ, "TERM": "xterm", "NO_COLOR": "1"})
        self.shown = ""

    def type(self, keys):
        os.write(self.master, keys.encode())

    def until(self, end):
        deadline = time.monotonic() + PATIENCE
        while end not in self.shown:
            assert time.monotonic() < deadline, self.shown
            if select.select([self.master], [], [], 0.1)[0]:
                self.shown += os.read(self.master, 65536).decode()
        before, _, self.shown = self.shown.partition(end)
        return before

    def end(self):
        self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def screen(woshou):
    screens = []

    def open_screen(*arguments):
        screens.append(Screen(woshou, "talk", *arguments))
        return screens[-1]
    yield open_screen
    for one in screens:
        one.end()


def test_a_terminal_shows_what_comes(server, screen):
    """What comes takes the typed line away, stands on a line of its own, and the typed line is drawn again;
    nothing in it reaches the terminal raw."""
    program = server()
    mine = screen(program.at, "--name", "anna")
    mine.until("you are in lobby")
    mine.type("half a 你")
    mine.until("> half a 你\r\x1b[11C")
    with Client(program.port, name="bob", room="lobby") as bob:
        mine.until("* bob came\r\n")
        bob.say("up \x1b[2J and away", 1)
        assert mine.until(" bob: up ^[[2J and away\r\n").rpartition("\r\x1b[K")[2].count("\n") == 0
        mine.until("\r\x1b[K> half a 你\r\x1b[11C")
        mine.type("好\x1b[D\x1b[D\x7f\x1b[F!\r")
        assert bob.expect(frames.MESSAGE).message()["text"] == "up \x1b[2J and away"
        assert bob.expect(frames.MESSAGE).message()["text"] == "half a你好!"
        mine.until(" anna: half a你好!\r\n")
    mine.type("\x1b[A")
    mine.until("> half a你好!\r")
    mine.type("\x15/who\r")
    mine.until("1 are here: anna\r\n")
    mine.type("\x04")
    assert mine.process.wait(PATIENCE) == 0
    assert termios.tcgetattr(mine.slave) == mine.before


def test_a_terminal_waits_for_the_server_to_come_back(server, screen):
    program = server()
    mine = screen(program.at)
    mine.until("you are in lobby")
    program.process.kill()
    mine.until("the connection was lost")
    mine.type("said meanwhile\r")
    server(listen=program.at)
    mine.until("tester: said meanwhile\r\n")
    mine.type("\x03")
    assert mine.process.wait(PATIENCE) == 0


# --- The protocol, by a client of another's making ---


def test_a_room_numbers_its_messages_for_all_readers(server):
    """Two workers, four readers, two speakers: everyone sees the same order, without gaps."""
    port = server("--workers", "2").port
    with contextlib.ExitStack() as stack:
        readers = [stack.enter_context(Client(port, room="r")) for _ in range(4)]
        speakers = [stack.enter_context(Client(port, room="r", speaker=True)) for _ in range(2)]
        for number in range(1, 501):
            for which, speaker in enumerate(speakers):
                speaker.say(f"{which} {number}", number)
        seen = [[reader.expect(frames.MESSAGE).message() for _ in range(1000)] for reader in readers]
    assert [row["seq"] for row in seen[0]] == list(range(1, 1001))
    assert all(texts(rows) == texts(seen[0]) for rows in seen)
    for which in "01":
        mine = [text for text in texts(seen[0]) if text.startswith(which)]
        assert mine == [f"{which} {number}" for number in range(1, 501)]


def test_saying_twice_keeps_once(server):
    port = server().port
    client = os.urandom(16)
    with Client(port, client=client, room="r", speaker=True) as first:
        first.say("one", 1)
        first.say("two", 2)
        answers = [first.said() for _ in range(2)]
    with Client(port, client=client, room="r", speaker=True) as again:
        again.say("two", 2)
        again.say("one", 1)
        assert [again.said() for _ in range(2)] == answers[::-1]
        again.say("three", 2000)
        again.said()
        again.say("late", 900)
        code, _, _ = again.expect(frames.ERROR).error()
        assert code == 17
        assert texts(again.history("r")) == ["one", "two", "three"]


def test_what_is_not_to_be_kept_is_not(server):
    port = server().port
    with Client(port, room="r") as reader, Client(port, room="r", speaker=True) as speaker:
        speaker.say("fleeting", flags=frames.UNKEPT)
        got = reader.expect(frames.MESSAGE)
        assert (got.id, got.flags & frames.UNKEPT, got.message()["text"]) == (0, 1, "fleeting")
        assert speaker.history("r") == []


def test_who_is_there(server):
    port = server("--workers", "2").port
    with Client(port, name="anna", room="r") as anna:
        with Client(port, name="bob", room="r") as bob:
            fields = anna.expect(frames.PRESENCE).fields()
            assert (*fields.take("IBI"), fields.text()) == (anna.room, 1, 2, "bob")
            bob.send(frames.frame(frames.MEMBERS, struct.pack(">I", bob.room), id=3))
            fields = bob.expect(frames.MEMBER_LIST).fields()
            assert fields.take("III") == (bob.room, 2, 2)
            assert sorted([fields.text(), fields.text()]) == ["anna", "bob"]
        fields = anna.expect(frames.PRESENCE).fields()
        assert (*fields.take("IBI"), fields.text()) == (anna.room, 2, 1, "bob")
        anna.send(frames.frame(frames.LEAVE, struct.pack(">I", anna.room), id=4))
        assert anna.expect(frames.LEFT).id == 4
        anna.say("from outside", 1)
        assert anna.expect(frames.ERROR).error()[0] == 11


@pytest.mark.parametrize("data, code", [
    (frames.frame(frames.SAY, b"\0\0"), 2),
    (frames.frame(frames.SAY, struct.pack(">IB", 1, 0) + frames.text(b"\xff\xfe"), id=1), 2),
    (frames.frame(frames.SAY, struct.pack(">IB", 1, 0) + frames.text(b"\xed\xa0\x80"), id=1), 2),
    (frames.frame(frames.SAY, struct.pack(">IB", 1, 0) + frames.text(b"a\0b"), id=1), 2),
    (frames.frame(frames.SAY, struct.pack(">IB", 1, 0) + frames.text("x"), id=0), 2),
    (frames.frame(0x01ff), 4),
    (struct.pack(">IHHQ", 2_000_000_000, frames.SAY, 0, 1), 3),
    (frames.frame(frames.PING, b"x" * 65), 2),
])
def test_a_frame_that_ends_the_connection(server, data, code):
    port = server().port
    with Client(port, room="r") as client, Client(port, room="r") as other:
        client.send(data)
        got = client.expect(frames.ERROR)
        assert (got.error()[0], got.flags & frames.FATAL) == (code, frames.FATAL)
        with pytest.raises(Closed):
            while True:
                client.next()
        other.say("still here", 1)
        other.said()


@pytest.mark.parametrize("data, code", [
    (frames.frame(frames.JOIN, b"\0" + frames.text(""), id=5), 13),
    (frames.frame(frames.JOIN, b"\0" + frames.text("a\x1b[31mb"), id=5), 13),
    (frames.frame(frames.JOIN, b"\0" + frames.text("a‮b"), id=5), 13),
    (frames.frame(frames.JOIN, b"\0" + frames.text("x" * 65), id=5), 13),
    (frames.frame(frames.JOIN, b"\0" + frames.text("r"), id=5), 12),
    (frames.frame(frames.SAY, struct.pack(">IB", 99, 0) + frames.text("x"), id=5), 11),
    (frames.frame(frames.SAY, struct.pack(">IB", 1, 0) + frames.text("x" * 32769), id=5), 3),
    (frames.frame(frames.HISTORY, frames.text("r") + struct.pack(">QQQI", 0, 0, 0, 0)
                  + frames.text(" "), id=5), 2),
])
def test_a_request_that_is_refused(server, data, code):
    port = server().port
    with Client(port, room="r") as client:
        client.send(data)
        got = client.expect(frames.ERROR)
        assert (got.error()[0], got.id, got.flags & frames.FATAL) == (code, 5, 0)
        client.say("still here", 1)
        client.said()


def test_what_is_optional_and_unknown_is_skipped(server):
    port = server().port
    with Client(port, room="r") as client:
        client.send(frames.frame(0x01ff, b"???", flags=frames.OPTIONAL))
        client.say("on", 1)
        client.said()


def test_a_name_that_hides_something(server):
    port = server().port
    with Client(port, name="a\x1b[31m") as client:
        assert client.expect(frames.ERROR).error()[0] == 13


def test_one_byte_at_a_time(server):
    port = server().port
    with Client(port, room="r") as client:
        for byte in frames.frame(frames.SAY, struct.pack(">IB", client.room, 0) + frames.text("slow"), id=1):
            client.send(bytes([byte]))
        assert client.said()[0] == 1


# --- Time ---


def test_who_is_silent_is_asked_and_then_closed(server):
    port = server("--heartbeat", "0.2").port
    with Client(port, room="r") as silent, Client(port, room="r") as alive:
        stop = threading.Event()

        def answer():
            with contextlib.suppress(Closed, OSError):
                while not stop.is_set():
                    if alive.next().kind == frames.PING:
                        alive.send(frames.frame(frames.PONG))
        thread = threading.Thread(target=answer)
        thread.start()
        assert silent.expect(frames.PING)
        assert silent.expect(frames.ERROR).error()[0] == 10
        with pytest.raises(Closed):
            silent.next()
        stop.set()
        alive.say("here", 1)
        thread.join()
        alive.send(frames.frame(frames.PING, b"?"))
        alive.expect(frames.PONG)


def test_a_frame_that_never_ends_buys_no_time(server):
    port = server("--heartbeat", "0.2").port
    with Client(port, room="r") as slow:
        data = frames.frame(frames.SAY, b"x" * 60000, id=1)
        closed = threading.Event()

        def drip():
            with contextlib.suppress(OSError):
                for byte in data:
                    slow.send(bytes([byte]))
                    if closed.wait(0.05):
                        return
        thread = threading.Thread(target=drip)
        thread.start()
        assert slow.expect(frames.ERROR).error()[0] == 10
        closed.set()
        thread.join()


def test_the_end_is_orderly(server, woshou):
    program = server()
    client = Client(program.port, room="r", speaker=True)
    for number in range(1, 501):
        client.say("x" * 1000, number)
    eventually(lambda: metric(program, "text_said_total") > 0, "a message")
    program.signal(signal.SIGTERM)
    acknowledged = 0
    with pytest.raises(Closed):
        while True:
            got = client.next()
            acknowledged += got.kind == frames.SAID
            if got.kind == frames.ERROR:
                assert got.error()[0] == 16
    assert program.ended() == 0
    rows = sqlite3.connect(pathlib.Path(program.process.args[program.process.args.index("--dir") + 1])
                           / "history.db").execute("SELECT count(*) FROM message").fetchone()[0]
    assert acknowledged == rows > 0


def test_the_end_does_not_wait_for_who_does_not_leave(server):
    program = server("--drain", "0.3")
    with Client(program.port, room="r"):
        before = time.monotonic()
        program.signal(signal.SIGTERM)
        assert program.ended() == 0
        assert time.monotonic() - before < PATIENCE / 2


# --- Kills ---


def test_nothing_acknowledged_is_lost_and_nothing_is_kept_twice(server):
    """Killed under load, again and again; senders say anew what was not acknowledged."""
    senders = 4
    program = server()
    numbers, acknowledged, pending = [0] * senders, [{} for _ in range(senders)], [{} for _ in range(senders)]
    clients = [os.urandom(16) for _ in range(senders)]

    def speak(which, port):
        """Until the server is gone."""
        with contextlib.suppress(OSError, Closed), frames.until_connected(
                port, client=clients[which], room="r", speaker=True) as client:
            for number in sorted(pending[which]):
                client.say(pending[which][number], number)
            while True:
                while len(pending[which]) < 32:
                    numbers[which] += 1
                    value = f"{which} {numbers[which]}"
                    pending[which][numbers[which]] = value
                    client.say(value, numbers[which])
                number, _, seq, _ = client.said()
                acknowledged[which][number] = seq
                pending[which].pop(number, None)

    for _ in range(KILLS):
        before = sum(map(len, acknowledged))
        threads = [threading.Thread(target=speak, args=(which, program.port)) for which in range(senders)]
        for thread in threads:
            thread.start()
        eventually(lambda before=before: sum(map(len, acknowledged)) > before + 20, "acknowledgements")
        program.process.kill()
        program.process.wait()
        for thread in threads:
            thread.join()
        program = server()
    with Client(program.port) as reader:
        rows = {row["seq"]: row["text"] for row in reader.history("r")}
    assert sorted(rows) == list(range(1, len(rows) + 1))
    assert len(set(rows.values())) == len(rows)
    for which in range(senders):
        for number, seq in acknowledged[which].items():
            assert rows[seq] == f"{which} {number}"


def test_talk_comes_back_by_itself(woshou, server, start):
    """A pipe that goes on while the server is killed and comes back: each line once, in order."""
    program = server()
    listen = f"127.0.0.1:{program.port}"
    talk = subprocess.Popen([woshou, "talk", listen, "r", "--patience", "15"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reader = start(woshou, "talk", listen, "r", "--stay", "--json")
    assert json.loads(reader.out.next())["what"] == "joined"
    try:
        for number in range(300):
            talk.stdin.write(f"{number}\n".encode())
            talk.stdin.flush()
            if number in (100, 200):
                eventually(lambda: metric(program, "history_stored_total") > 0, "a message kept")
                program.process.kill()
                program.process.wait()
                program = server(listen=listen)
        talk.stdin.close()
        assert talk.wait(PATIENCE) == 0
    finally:
        talk.kill()
    with Client(program.port) as client:
        assert texts(client.history("r")) == [str(number) for number in range(300)]
    shown = []
    while len(shown) < 300:
        event = json.loads(reader.out.next())
        if event["what"] == "message":
            shown.append(event["text"])
    assert shown == [str(number) for number in range(300)]


def test_a_room_goes_on_where_it_was(server):
    first = server()
    with Client(first.port, room="r") as client:
        client.say("before", 1)
        assert client.said()[2] == 1
        epoch = client.epoch
    assert first.stopped() == 0
    with Client(server().port, room="r") as client:
        assert (client.last, client.epoch) == (1, epoch)
        client.say("after", 1)
        assert client.said()[2] == 2
        assert texts(client.history("r")) == ["before", "after"]


# --- The disk ---


@pytest.fixture
def small_disk(tmp_path):
    """A file system of two megabytes."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "woshou", place], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_refuses_and_goes_on(woshou, server, small_disk):
    program = server(where=small_disk / "server")
    with Client(program.port, room="r") as reader, Client(program.port, room="r", speaker=True) as client:
        kept, number, refused = [], 0, None
        while refused is None:
            number += 1
            client.say(f"{number} " + "x" * 30000, number)
            got = client.expect(frames.SAID, frames.ERROR)
            if got.kind == frames.ERROR:
                refused = got.error()
            else:
                kept.append(number)
        assert refused[0] == 14 and refused[1] > 0
        # Text goes on: to who is there, and out of the history.
        client.say("not kept", flags=frames.UNKEPT)
        while (message := reader.expect(frames.MESSAGE).message())["text"] != "not kept":
            pass
        assert [int(text.split()[0]) for text in texts(client.history("r"))] == kept
        done = run(woshou, "say", "--server", program.at, "r", "x" * 30000, status=1)
        assert done.stderr == "woshou: the server's disk is full: the message is not kept\n"
        # And with room on the disk again, everything is as before.
        subprocess.run(["mount", "-o", "remount,size=16m", small_disk], check=True)
        client.say("again", number + 1)
        assert client.expect(frames.SAID).id == number + 1
    assert program.stopped() == 0
    lines = [line for line in program.err.rest() if "history" in line]
    assert len(lines) < 5 and "full" in lines[0]


@pytest.mark.parametrize("damage", ["header", "pages"])
def test_a_damaged_history_is_set_aside(server, folder, damage):
    first = server()
    with Client(first.port, room="r") as client:
        for number in range(1, 201):
            client.say("x" * 500, number)
        for _ in range(200):
            client.said()
    assert first.stopped() == 0
    path = folder / "history.db"
    with path.open("r+b") as file:
        if damage == "pages":
            file.seek(8192)
        file.write(os.urandom(60000))
    second = server()
    told = " ".join(second.told)
    assert "history" in told and "set aside" in told
    assert len(list(folder.glob("history.db.damaged-*"))) >= 1
    with Client(second.port, room="r") as client:
        assert client.last == 0
        client.say("anew", 1)
        client.said()


def test_one_server_a_folder(woshou, server, folder):
    server()
    done = run(woshou, "serve", "--listen", "0", "--dir", folder, status=1)
    assert done.stderr == f"woshou: another server uses the folder {folder}\n"


# --- Limits ---


def test_out_of_descriptors(server):
    """What is open goes on, nothing spins, one line tells of it, and who waits is let in later."""
    program = server(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (96, 96)))
    first = Client(program.port, room="r")
    waiting = []
    for _ in range(150):
        waiting.append(socket.create_connection(("127.0.0.1", program.port)))
    try:
        eventually(lambda: any("out-of-descriptors" in line for line in drained(program)), "the line")
        before = program.cpu_seconds()
        for number in range(1, 21):
            first.say("on", number)
            first.said()
            time.sleep(0.02)
        assert program.cpu_seconds() - before < 0.3
        with pathlib.Path(f"/proc/{program.pid}/fd").parent.joinpath("limits").open() as limits:
            assert "96" in limits.read()
        assert program.descriptors() <= 96 - 16
    finally:
        for connection in waiting:
            connection.close()
    frames.until_connected(program.port).close()
    first.close()
    lines = [line for line in drained(program) if "out-of-descriptors" in line]
    assert len(lines) <= 2


def drained(program):
    """All lines of its log so far."""
    program.seen = getattr(program, "seen", [])
    while not program.err.none_yet():
        program.seen.append(program.err.next())
    return program.seen


def test_a_slow_reader_holds_back_nobody(server):
    """It does not read while 40 MB go by: the other reader gets all, memory is bounded, and once it reads
    it is told what it missed."""
    program = server()
    with Client(program.port, room="r", receive_bytes=4096) as slow, Client(program.port, room="r") as quick, \
            Client(program.port, room="r", speaker=True) as speaker:
        messages, value = 1400, "x" * 30000
        got = []

        def read():
            while len(got) < messages:
                got.append(quick.expect(frames.MESSAGE).message()["text"])
        thread = threading.Thread(target=read)
        thread.start()
        for _ in range(messages):
            speaker.say(value, flags=frames.UNKEPT)
        thread.join(PATIENCE)
        assert len(got) == messages
        eventually(lambda: metric(program, "text_gaps_total") > 0, "a gap")
        assert metric(program, "text_room_bytes") < 24 << 20
        # A message that is kept comes behind the gap, which says that it is the first.
        speaker.say("kept", 1)
        speaker.said()
        room, following = slow.expect(frames.GAP).fields().take("IQ")
        assert (room, following) == (slow.room, 1)
        while (message := slow.expect(frames.MESSAGE).message())["text"] != "kept":
            pass
        assert message["seq"] == 1


def test_idle_connections_cost_little(server):
    program = server("--workers", "1")
    clients = []

    def resident():
        rollup = pathlib.Path(f"/proc/{program.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Rss:\s+(\d+) kB", rollup, re.M)[1]) * 1024
    try:
        clients += [Client(program.port, room="r") for _ in range(100)]
        before = resident()
        clients += [Client(program.port, room="r") for _ in range(300)]
        assert (resident() - before) / 300 < 16384  # far from 1 KiB: sanitizers and pages count too
    finally:
        for client in clients:
            client.close()


# --- Plain lines ---


class Lines:
    """A connection by lines, as nc makes it."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def next(self):
        return self.file.readline().decode()

    def until(self, end):
        while not (line := self.next()).endswith(end):
            assert line, f"never came: {end}"
        return line


def test_nc_can_talk(server):
    nc = shutil.which("nc")
    if not nc:
        pytest.skip("no nc here")
    program = server()
    with Client(program.port, room="lobby") as reader:
        run(nc, "-N", "127.0.0.1", program.lines_port, stdin="hello from nc\r\nwithout an end")
        assert [reader.expect(frames.MESSAGE).message()["text"] for _ in range(2)] == [
            "hello from nc", "without an end"]


def test_lines_show_what_is_said_made_visible(server):
    program = server()
    with Lines(program.lines_port) as lines, Client(program.port, name="anna", room="lobby") as anna:
        lines.until("anna came\n")
        anna.say("red \x1b[31m and ‮ back\nnew line", 1)
        assert lines.until("line\n") == "anna: red ^[[31m and <U+202E> back^Jnew line\n"


def test_what_lines_can_do(server):
    program = server()
    with Lines(program.lines_port) as one, Lines(program.lines_port) as two:
        one.send(b"/name anna\n")
        one.until("you are anna now\n")
        two.send(b"/name bob\n/join garden\n/who\n")
        two.until("1 in garden: bob\n")
        one.send(b"/tell bob psst\n/tell carl psst\n")
        two.until("to you alone from anna: psst\n")
        one.until("nobody of that name is here\n")
        one.send(b"said and kept\n/history\n")
        one.until("that was the history\n")
        two.send(b"/nonsense\n\xff\xfe\n" + b"x" * 40000 + b"\n")
        two.until("there is no such command; /help lists them\n")
        two.until("that line is not UTF-8 and was left out\n")
        two.until("that line is longer than 32,768 bytes and was left out\n")
        two.send(b"/quit\n")
        assert two.file.read() == b""
        with Client(program.port) as client:
            assert texts(eventually(lambda: client.history("lobby"), "the message")) == ["said and kept"]


def test_a_browser_is_no_guest(server):
    program = server()
    with Lines(program.lines_port) as browser, Client(program.port) as client:
        browser.send(b"POST / HTTP/1.1\r\nHost: evil.example\r\n\r\nsay this\n")
        browser.until("this is no web server\n")
        assert browser.file.read() == b""
        assert client.history("lobby") == []


def test_metrics_are_for_this_machine(server):
    program = server()
    assert metric(program, "connections_accepted_total") > 0
    for path, host, status in (("/", None, 404), ("/metrics", "evil.example", 421)):
        request = urllib.request.Request(program.metrics_url.replace("/metrics", path),
                                         headers={"Host": host} if host else {})
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=PATIENCE)
        assert refused.value.code == status
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(program.metrics_url, data=b"x", timeout=PATIENCE)
    assert refused.value.code == 405


# --- systemd ---


def test_sockets_from_systemd_and_being_ready(woshou, tmp_path):
    """Two sockets that listen already, and word of being ready and of stopping."""
    with socket.socket() as text, socket.socket() as lines, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        for listening in (text, lines):
            listening.bind(("127.0.0.1", 0))
            listening.listen()
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(PATIENCE)
        script = 'LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=text:lines exec "$0" serve --dir "$1"'
        found = [os.dup2(listening.fileno(), 90 + which) for which, listening in enumerate((text, lines))]

        def as_systemd_does():
            for which, descriptor in enumerate(found):
                os.dup2(descriptor, 3 + which)
        process = subprocess.Popen(
            ["sh", "-c", script, woshou, str(tmp_path / "server")], preexec_fn=as_systemd_does,
            pass_fds=(3, 4), stderr=subprocess.PIPE,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")})
        for descriptor in found:
            os.close(descriptor)
        try:
            assert notified.recv(100) == b"READY=1"
            with Client(text.getsockname()[1], room="lobby") as client, Lines(lines.getsockname()[1]) as one:
                one.until("can be done\n")
                client.say("by systemd's socket", 1)
                one.until("by systemd's socket\n")
            process.terminate()
            assert notified.recv(100) == b"STOPPING=1"
            assert process.wait(PATIENCE) == 0
        finally:
            process.kill()
            process.stderr.close()
