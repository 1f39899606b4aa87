"""Files and folders, sent and fetched by real processes: whole, resumable, or not there at all."""

import filecmp
import json
import os
import pathlib
import random
import re
import signal
import socket
import struct
import subprocess
import threading

import file_frames as frames
import pytest
from conftest import PATIENCE, Program, eventually
from relay import Relay

MIB = 1 << 20


def write(path, size, seed=1):
    path.write_bytes(random.Random(seed).randbytes(size))
    return path


class Server:
    """`woshou serve` with a folder of its own."""

    def __init__(self, start, woshou, folder, port=0, **more):
        self.start, self.woshou, self.folder, self.more = start, woshou, folder, more
        self.run(port)

    def run(self, port=0):
        self.program = self.start(self.woshou, "serve", "--listen", f"127.0.0.1:{port}", "--dir",
                                  self.folder, *self.more.get("arguments", ()))
        line = self.program.err.next()
        assert line.startswith("listening on "), line
        self.port = int(line.rpartition(":")[2])

    def file(self, name):
        return self.folder / "files" / name

    def left(self):
        """What is arriving."""
        return sorted(os.listdir(self.folder / "incoming"))

    def kill(self):
        self.program.signal(signal.SIGKILL)
        self.program.ended()


@pytest.fixture
def server(start, woshou, tmp_path):
    return Server(start, woshou, tmp_path / "server")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """Each test is a user of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("WOSHOU_SERVER", "WOSHOU_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def relay():
    relays = []

    def make(*arguments, **more):
        relays.append(Relay(*arguments, **more))
        return relays[-1]

    yield make
    for each in relays:
        each.end()


class Done:
    """A command that has ended."""

    def __init__(self, process):
        self.status, self.out, self.err = process.returncode, process.stdout, process.stderr

    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]

    def results(self):
        return [line for line in self.lines() if "name" in line]

    def summary(self):
        return self.lines()[-1]["summary"]


@pytest.fixture
def run(woshou):
    def run_command(*arguments, **more):
        return Done(subprocess.run([woshou, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                   capture_output=True, text=True, timeout=PATIENCE * 3, **more))

    return run_command


@pytest.fixture
def send(run, server):
    return lambda *arguments, port=None, **more: run(
        "send", "--server", f"127.0.0.1:{port or server.port}", "--json", *arguments, **more)


@pytest.fixture
def get(run, server):
    return lambda *arguments, port=None, **more: run(
        "get", "--server", f"127.0.0.1:{port or server.port}", "--json", *arguments, **more)


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def same_tree(left, right):
    compared = filecmp.dircmp(left, right)
    assert not compared.left_only and not compared.right_only and not compared.funny_files
    assert filecmp.cmpfiles(left, right, compared.common_files, shallow=False)[1:] == ([], [])
    for name in compared.common_dirs:
        same_tree(left / name, right / name)


# --- There and back ---


@pytest.mark.parametrize("size", [0, 1, 65536, 65537, MIB, MIB + 1, 5 * MIB + 12345])
def test_a_file_of_any_size_arrives_as_it_was(send, get, server, tmp_path, size):
    source = write(tmp_path / "file.bin", size)
    sent = send(source)
    assert sent.status == 0
    assert server.file("file.bin").read_bytes() == source.read_bytes()
    fetched = get("file.bin", "--into", tmp_path / "into")
    assert fetched.status == 0
    assert (tmp_path / "into" / "file.bin").read_bytes() == source.read_bytes()
    assert os.listdir(tmp_path / "into") == ["file.bin"]
    assert server.left() == []
    assert sent.results()[0]["check"] == fetched.results()[0]["check"]
    assert sent.summary()["moved_bytes"] == fetched.summary()["moved_bytes"] == size


@pytest.mark.parametrize("name", ["文件 名.txt", "👩‍🚀🎉.bin", "x" * 255, "名" * 85, "-rf", "a b",
                                  "naïve.txt", "...", "%s%n"])
def test_names_in_any_script(send, get, server, tmp_path, name):
    source = write(tmp_path / name, 100)
    assert send("--", source).status == 0
    assert server.file(name).read_bytes() == source.read_bytes()
    assert get("--into", tmp_path / "into", "--", name).status == 0
    assert (tmp_path / "into" / name).read_bytes() == source.read_bytes()


def make_tree(folder, files):
    chance = random.Random(7)
    for number in range(files):
        place = folder / f"部 {number % 7}" / f"{number % 11}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{number}.txt").write_bytes(chance.randbytes(chance.randrange(200)))
    (folder / "empty" / "also empty").mkdir(parents=True)
    write(folder / "big.bin", 3 * MIB + 5)
    (folder / "nothing").touch()


def test_a_folder_with_thousands_of_files(send, get, server, tmp_path):
    tree = tmp_path / "tree"
    make_tree(tree, 3000)
    sent = send(tree)
    assert sent.status == 0
    assert sent.results() == [{"name": "tree", "kind": "folder", "status": "done",
                               "bytes": sent.results()[0]["bytes"], "files": 3002, "check": None,
                               "code": None, "error": None}]
    same_tree(tree, server.file("tree"))
    assert get("tree", "--into", tmp_path / "into").status == 0
    same_tree(tree, tmp_path / "into" / "tree")


def test_several_files_in_one_command_and_one_that_is_there(send, server, tmp_path):
    paths = [write(tmp_path / f"{number}.txt", 100 + number, number) for number in range(300)]
    assert send(*paths[:1]).status == 0
    sent = send(*paths)
    assert sent.status == 0
    assert [line["status"] for line in sent.results()].count("already") == 1
    assert all(server.file(path.name).read_bytes() == path.read_bytes() for path in paths)


def test_links_are_never_followed_below_a_folder_and_it_is_said(send, server, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    secret = write(tmp_path / "secret", 10)
    (tree / "link").symlink_to(secret)
    (tree / "folder").symlink_to("/etc")
    os.mkfifo(tree / "pipe")
    write(tree / "file", 5)
    sent = send(tree)
    assert sent.status == 0
    passed = {line["passed"]: line["what"] for line in sent.lines() if "passed" in line}
    assert passed == {"link": "a symbolic link", "folder": "a symbolic link", "pipe": "a pipe"}
    assert os.listdir(server.file("tree")) == ["file"]


def test_times_and_modes_on_request(send, get, server, tmp_path):
    tree = tmp_path / "tree"
    (tree / "sub").mkdir(parents=True)
    program = write(tree / "sub" / "program", 70000)
    script = write(tree / "sub" / "script", 10)
    for path, mode, seconds in ((program, 0o750, 1_000_000_000), (script, 0o600, 999_999_999),
                                (tree / "sub", 0o710, 1_111_111_111), (tree, 0o755, 5)):
        os.chmod(path, mode)
        os.utime(path, (seconds, seconds))
    assert send(tree, "--preserve").status == 0
    assert get("tree", "--preserve", "--into", tmp_path / "into").status == 0
    for there in (server.file("tree"), tmp_path / "into" / "tree"):
        for path in (program, script, tree / "sub", tree):
            original = path.stat()
            copy = (there / path.relative_to(tree)).stat()
            assert (copy.st_mode, copy.st_mtime_ns) == (original.st_mode, original.st_mtime_ns)


def test_a_room_is_told_when_a_file_is_there(send, server, tmp_path):
    joined, message, leave, left = 0x102, 0x107, 0x103, 0x104
    reader = frames.client(server.port, business=1, name="reader")
    reader.send(frames.frame(0x101, b"\0" + frames.text("lobby"), 0, 1))
    room = reader.until(joined)[:4]
    # One that nobody shall be told of, and one that the room shall.
    assert send(write(tmp_path / "private.pdf", 1000)).status == 0
    assert send("--to", "lobby", write(tmp_path / "plan.pdf", 1000)).status == 0
    told = reader.until(message)
    assert told[16:17] == b"\1" and told.endswith(frames.text("plan.pdf"))
    assert server.file("plan.pdf").exists()
    # Sending it again is no news.
    assert send("--to", "lobby", tmp_path / "plan.pdf").results()[0]["status"] == "already"
    reader.send(frames.frame(leave, room))
    assert reader.read()[0] == left


def test_files_go_over_tls_as_well(start, woshou, run, tmp_path):
    server = Server(start, woshou, tmp_path / "server")
    source = write(tmp_path / "big.bin", 20 * MIB + 5)
    where = ("--server", f"127.0.0.1:{server.port}", "--tls", "--json", "--connections", "3")
    sent = run("send", source, *where)
    assert sent.status == 0 and "is met for the first time" in sent.err
    got = run("get", "big.bin", "--into", tmp_path / "into", *where)
    assert got.status == 0 and "is met" not in got.err
    assert filecmp.cmp(source, tmp_path / "into" / "big.bin", shallow=False)


def test_what_became_of_files_is_in_the_log_and_the_metrics(start, woshou, run, tmp_path):
    server = Server(start, woshou, tmp_path / "server", arguments=["--metrics", "127.0.0.1:0"])
    metrics = re.search(r"http://127\.0\.0\.1:(\d+)", server.program.err.next())
    where = ("--server", f"127.0.0.1:{server.port}", "--name", "kim")
    assert run("send", write(tmp_path / "a.bin", 1000), *where).status == 0
    assert run("get", "missing", *where).status == 1
    lines = []
    while len(lines) < 2:
        line = server.program.err.next()
        lines += [line] if " file-" in line else []
    assert lines[0].endswith('info file-received text="a.bin, from kim"')
    assert lines[1].endswith(
        """warning file-failed text="missing, to kim: there is no file 'missing'\"""")

    def page():
        with socket.create_connection(("127.0.0.1", int(metrics[1]))) as connection:
            connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            return connection.makefile().read()

    # Bytes are added up when a transfer's connection has ended.
    figures = eventually(lambda: "woshou_file_received_bytes_total 1000\n" in page() and page(),
                         "the bytes")
    assert "woshou_file_received_total 1\n" in figures
    assert "woshou_file_failed_total 1\n" in figures


# --- Listing and removing ---


def test_files_lists_what_is_there_and_removes_it(send, run, server, tmp_path):
    make_tree(tmp_path / "tree", 10)
    assert send(tmp_path / "tree", write(tmp_path / "a.bin", 1234)).status == 0
    where = f"127.0.0.1:{server.port}"
    listed = run("files", where, "--json").lines()
    assert [(line["name"], line["kind"], line["files"]) for line in listed] == [
        ("a.bin", "file", 1), ("tree", "folder", 12)]
    assert listed[0]["bytes"] == 1234
    shown = run("files", where).out.splitlines()
    assert re.fullmatch(r" +1\.2\d KiB  \d{4}-\d\d-\d\d \d\d:\d\d  a\.bin", shown[0])
    assert shown[1].endswith("  tree/")
    assert run("files", where, "--remove", "tree").status == 0
    assert [line["name"] for line in run("files", where, "--json").lines()] == ["a.bin"]
    gone = run("files", where, "--remove", "tree")
    assert gone.status == 1 and gone.err == "woshou: there is no file 'tree'\n"
    assert server.left() == []
    # A name that was removed can be taken again.
    assert send(tmp_path / "tree").status == 0


# --- Broken off ---


def held(start, woshou, relay, *arguments):
    """A command that is in the middle of its transfer, at the relay."""
    program = start(woshou, *arguments, "--server", f"127.0.0.1:{relay.port}", "--connections", "1")
    assert relay.held.wait(PATIENCE)
    return program


CHUNK, WHOLE = 3, 4


def noted(folder, kind):
    """How many records of a kind are in the journals below a folder (file/journal.c)."""
    count = 0
    for path in folder.glob("*/journal"):
        raw, at = path.read_bytes(), 0
        while at + 8 <= len(raw):
            count += raw[at] == kind
            at += 8 + int.from_bytes(raw[at + 2:at + 4], "big")
    return count


def ends(victim):
    """How a server ends."""
    return signal.SIGTERM if victim == "server in good order" else signal.SIGKILL


@pytest.mark.parametrize("victim", ["client", "server", "server in good order"])
def test_a_killed_sending_goes_on_where_it_was(start, woshou, send, server, relay, tmp_path, victim):
    source = write(tmp_path / "big.bin", 30 * MIB + 77)
    between = relay(server.port, hold_after=20 * MIB)
    sender = held(start, woshou, between, "send", source)
    eventually(lambda: noted(server.folder / "incoming", CHUNK) >= 19, "chunks in the journal")
    assert not server.file("big.bin").exists()
    if victim == "client":
        sender.signal(signal.SIGKILL)
        sender.ended()
        between.release()
    else:
        server.program.signal(ends(victim))
        assert server.program.ended() == (0 if ends(victim) == signal.SIGTERM else -9)
        between.drop()
        assert sender.ended() == 1
        assert "the same command goes on from" in sender.err.rest()[-1]
        server.run()
    again = send(source)
    assert again.status == 0
    assert server.file("big.bin").read_bytes() == source.read_bytes()
    assert again.summary()["resumed_bytes"] >= 19 * MIB
    assert again.summary()["resumed_bytes"] + again.summary()["moved_bytes"] == 30 * MIB + 77
    assert server.left() == []


@pytest.mark.parametrize("victim", ["client", "server"])
def test_a_killed_getting_goes_on_where_it_was(start, woshou, send, get, server, relay, tmp_path,
                                               victim):
    source = write(tmp_path / "big.bin", 30 * MIB + 77)
    assert send(source).status == 0
    into = tmp_path / "into"
    between = relay(server.port, hold_after=20 * MIB, direction="down")
    getter = held(start, woshou, between, "get", "big.bin", "--into", into)
    eventually(lambda: noted(into / ".woshou-arriving", CHUNK) >= 19, "chunks in the journal")
    assert os.listdir(into) == [".woshou-arriving"]
    if victim == "client":
        getter.signal(signal.SIGKILL)
        getter.ended()
        between.release()
    else:
        server.kill()
        between.release()
        assert getter.ended() == 1
        server.run()
        between.target = server.port
    again = get("big.bin", "--into", into, port=between.port)
    assert again.status == 0
    assert (into / "big.bin").read_bytes() == source.read_bytes()
    assert again.summary()["resumed_bytes"] >= 19 * MIB
    assert os.listdir(into) == ["big.bin"]


def test_a_killed_folder_goes_on_without_sending_again_what_is_there(start, woshou, send, server,
                                                                      relay, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(2000):
        write(tree / f"{number}", 1000, number)
    write(tree / "zz-big", 4 * MIB)
    write(tree / "changes", 500)
    (tree / "goes").touch()
    between = relay(server.port, hold_after=3 * MIB)
    sender = held(start, woshou, between, "send", tree)
    incoming = server.folder / "incoming"
    eventually(lambda: noted(incoming, CHUNK) * MIB + noted(incoming, WHOLE) * 1000 > 1.5 * MIB,
               "files and chunks in the journal")
    server.kill()
    between.drop()
    assert sender.ended() == 1
    # Meanwhile it changes.
    write(tree / "changes", 600, 9)
    (tree / "goes").unlink()
    write(tree / "new", 10)
    server.run()
    again = send(tree)
    assert again.status == 0
    same_tree(tree, server.file("tree"))
    assert again.summary()["resumed_bytes"] > 1 * MIB
    assert again.results()[0]["files"] == 2003
    assert server.left() == []


def test_after_a_crash_of_the_system_only_what_was_synced_is_believed(start, woshou, send, server,
                                                                      relay, tmp_path):
    source = write(tmp_path / "big.bin", 8 * MIB)
    between = relay(server.port, hold_after=6 * MIB)
    sender = held(start, woshou, between, "send", source)
    eventually(lambda: noted(server.folder / "incoming", CHUNK) >= 5, "chunks in the journal")
    journal = next((server.folder / "incoming").glob("*/journal"))
    sender.signal(signal.SIGKILL)
    sender.ended()
    server.kill()
    # As if written under another boot: the boot id is the first record's, whose check is not ours to make,
    # so the record is no more; and then nothing is.
    raw = bytearray(journal.read_bytes())
    raw[8] ^= 0xFF
    journal.write_bytes(raw)
    server.run()
    again = send(source)
    assert again.status == 0 and again.summary()["resumed_bytes"] == 0
    assert server.file("big.bin").read_bytes() == source.read_bytes()


def test_ctrl_c_says_how_to_go_on(start, woshou, send, server, relay, tmp_path):
    source = write(tmp_path / "big.bin", 20 * MIB)
    between = relay(server.port, hold_after=10 * MIB)
    sender = held(start, woshou, between, "send", source)
    eventually(lambda: noted(server.folder / "incoming", CHUNK) >= 9, "chunks in the journal")
    assert sender.stopped() == 1
    assert re.fullmatch(r"woshou: stopped; the same command goes on from [\d.]+ MiB",
                        sender.err.rest()[-1])
    between.release()
    again = send(source)
    assert again.status == 0 and again.summary()["resumed_bytes"] >= 8 * MIB


def test_a_connection_that_stalls_gives_its_chunks_to_the_others(send, server, relay, tmp_path):
    source = write(tmp_path / "big.bin", 120 * MIB)
    # The first is the control connection; the second carries data, and stops in the middle of a chunk.
    between = relay(server.port, hold_after=MIB // 2, only=1)
    sent = send(source, "--connections", "3", "--stall", "1", port=between.port)
    assert sent.status == 0 and between.held.is_set()
    assert filecmp.cmp(server.file("big.bin"), source, shallow=False)


def test_a_connection_that_stalls_on_the_way_here_does_too(start, woshou, send, get, relay, tmp_path):
    server = Server(start, woshou, tmp_path / "strict", arguments=["--heartbeat", "1"])
    source = write(tmp_path / "big.bin", 120 * MIB)
    assert send(source, port=server.port).status == 0
    between = relay(server.port, hold_after=MIB // 2, direction="down", only=1)
    got = get("big.bin", "--into", tmp_path / "into", "--connections", "3", port=between.port)
    assert got.status == 0 and between.held.is_set()
    assert filecmp.cmp(tmp_path / "into" / "big.bin", source, shallow=False)


def test_a_server_that_says_nothing_any_more_is_given_up(run, tmp_path):
    source = write(tmp_path / "big.bin", 5 * MIB)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def mute():
            speaker = frames.accept(listener)
            speaker.read()
            speaker.send(frames.frame(frames.READY, struct.pack(">H", 4), 0, 1))
            speaker.sock.settimeout(None)
            while speaker.sock.recv(65536):
                pass

        threading.Thread(target=mute, daemon=True).start()
        sent = run("send", source, "--server", f"127.0.0.1:{listener.getsockname()[1]}", "--stall",
                   "0.5", "--json")
    assert sent.status == 1
    assert sent.summary()["code"] == "timeout"


def test_bytes_damaged_on_the_way_are_sent_again(send, server, relay, tmp_path):
    source = write(tmp_path / "big.bin", 4 * MIB)
    between = relay(server.port)
    between.damage_at = 2 * MIB
    assert send(source, port=between.port).status == 0
    assert between.damage_at is None
    assert server.file("big.bin").read_bytes() == source.read_bytes()


# --- Sources that change ---


def test_a_source_cut_while_it_is_sent_is_an_error_and_never_a_wrong_file(start, woshou, server,
                                                                          relay, tmp_path):
    source = write(tmp_path / "big.bin", 80 * MIB)
    between = relay(server.port, hold_after=2 * MIB)
    sender = held(start, woshou, between, "send", source, "--json")
    os.truncate(source, 30 * MIB)
    between.resume()
    assert sender.ended() == 1
    results = [json.loads(line) for line in sender.out.rest()]
    assert results[0]["code"] == "changed"
    assert re.search("'big.bin' (was cut|changed) while it was sent", results[0]["error"])
    assert not server.file("big.bin").exists()


def test_a_file_that_cannot_be_read_fails_its_folder_and_no_other(send, server, tmp_path):
    source, tree = write(tmp_path / "fine", 10), tmp_path / "tree"
    (tree / "a").mkdir(parents=True)
    os.mkdir(tree / "a\x1b[31m")
    sent = send(tree, source)
    assert sent.status == 1
    assert {line["name"]: line["code"] for line in sent.results()} == {"tree": "name", "fine": None}
    assert sorted(os.listdir(server.folder / "files")) == ["fine"]


def test_what_is_not_there_or_cannot_be_sent(send, run, server, tmp_path):
    missing = send(tmp_path / "missing")
    assert missing.status == 1 and missing.summary()["code"] == "not-found"
    device = send("/dev/null")
    assert device.status == 1 and "is a device and cannot be sent" in device.summary()["error"]


# --- Names that collide ---


def test_a_name_that_is_taken_is_never_replaced(send, server, tmp_path):
    first = write(tmp_path / "a" / "same" if (tmp_path / "a").mkdir() is None else None, 10, 1)
    (tmp_path / "b").mkdir()
    second = write(tmp_path / "b" / "same", 20, 2)
    assert send(first).status == 0
    refused = send(second)
    assert refused.status == 1
    assert refused.results()[0]["code"] == "exists"
    assert refused.results()[0]["error"] == "'same' is there already"
    assert server.file("same").read_bytes() == first.read_bytes()
    # The very same again is no mistake.
    assert send(first).results()[0]["status"] == "already"


def test_of_two_who_send_one_name_at_once_the_second_is_told(send, server, tmp_path):
    other = frames.offer(server.port)
    other.send(frames.entries(0, frames.entry(frames.FILE, frames.ROOT, 5 * MIB, "same")))
    assert other.until(frames.WANT)
    second = send(write(tmp_path / "same", 100))
    assert second.status == 1
    assert second.results()[0]["error"] == "'same' is being sent by another at this moment"
    other.close()
    # Once the first has left, the name is free.
    eventually(lambda: send(tmp_path / "same").status == 0, "the name was given back")


def test_spellings_of_one_name_collide_openly(send, server, tmp_path):
    assert send(write(tmp_path / "caf\u00e9", 10)).status == 0
    refused = send(write(tmp_path / "cafe\u0301", 20))
    assert refused.results()[0]["error"] == (
        "'cafe\u0301' is there already, spelled in another way")
    tree = tmp_path / "tree"
    tree.mkdir()
    write(tree / "\u00e9", 1)
    write(tree / "e\u0301", 1)
    within = send(tree)
    assert within.results()[0]["code"] == "exists"
    assert "holds two names that are one" in within.results()[0]["error"]
    assert sorted(os.listdir(server.folder / "files")) == ["caf\u00e9"]


def test_getting_never_replaces_what_is_here(send, get, tmp_path):
    assert send(write(tmp_path / "a.bin", 1000)).status == 0
    into = tmp_path / "into"
    into.mkdir()
    (into / "a.bin").write_text("mine")
    refused = get("a.bin", "--into", into)
    assert refused.status == 1 and refused.results()[0]["code"] == "exists"
    assert (into / "a.bin").read_text() == "mine"


# --- Hostile peers ---

HOSTILE = [b"", b".", b"..", b"a/b", b"../up", b"/etc/passwd", b"a\\b", b"a\nb", b"\x1b[31m",
           b"x\xe2\x80\xaefdp.exe", b"\xff\xfe", b"x" * 256]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_refused(server, name, tmp_path):
    before = sorted(os.listdir(tmp_path))
    speaker = frames.offer(server.port)
    speaker.send(frames.entries(0, frames.entry(frames.FILE, frames.ROOT, 5, name)))
    kind, _, _, body = speaker.read()
    if name == b"\xff\xfe":  # no text at all
        assert kind == frames.ERROR
    else:
        assert kind == frames.FAILED and frames.failed(body)[1] == 13
    assert os.listdir(server.folder / "files") == [] and server.left() == []
    # And below a folder, which then is not there either.
    if name and name != b"\xff\xfe":
        speaker = frames.offer(server.port)
        speaker.send(frames.entries(0, frames.entry(frames.FOLDER, frames.ROOT, 0, "d"),
                                    frames.entry(frames.FILE, 0, 5, name)))
        assert frames.failed(speaker.until(frames.FAILED))[1] == 13
    assert os.listdir(server.folder / "files") == []
    assert sorted(os.listdir(tmp_path)) == before


def test_a_server_with_hostile_names_reaches_nothing_outside(run, tmp_path):
    (tmp_path / "into").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def lure():
            speaker = frames.accept(listener)
            speaker.read()
            speaker.send(frames.frame(frames.READY, struct.pack(">H", 1), 0, 1))
            speaker.send(frames.entries(0, frames.entry(frames.FOLDER, frames.ROOT, 0, "d"),
                                        frames.entry(frames.FILE, 0, 1, "../../out")))
            speaker.send(frames.frame(frames.END, struct.pack(">IQ", 2, 1)))
            try:
                while True:
                    speaker.read()
            except (EOFError, OSError):
                pass

        threading.Thread(target=lure, daemon=True).start()
        got = run("get", "d", "--server", f"127.0.0.1:{listener.getsockname()[1]}", "--into",
                  tmp_path / "into", "--json")
    assert got.status == 1 and got.results()[0]["code"] == "name"
    assert not (tmp_path / "out").exists() and not (tmp_path / "into" / "d").exists()


def check_frame(number, chunk, check, unit=1):
    return frames.frame(frames.CHECK, struct.pack(">II", number, chunk) + check, 0, unit)


NONSENSE = {
    "data of an entry there is none": frames.frame(
        frames.DATA, struct.pack(">IQ", 9, 0) + b"x" * 10, 0, 1),
    "data behind the end": frames.frame(
        frames.DATA, struct.pack(">IQ", 0, 3 * MIB) + b"x" * 10, 0, 1),
    "data that begins within a chunk": frames.frame(
        frames.DATA, struct.pack(">IQ", 0, 5) + b"x" * 10, 0, 1),
    "a check of a chunk that did not come": check_frame(0, 0, b"c" * 16),
    "entries out of order": frames.entries(7, frames.entry(frames.FILE, frames.ROOT, 5, "x")),
    "an entry in a file": frames.entries(1, frames.entry(frames.FILE, 0, 5, "x")),
    "an end after fewer entries": frames.frame(frames.END, struct.pack(">IQ", 5, 0)),
    "a pack cut off": frames.frame(frames.PACK, struct.pack(">I", 0) + b"c" * 16 + b"\0\0\0\x05x"),
    "a frame of the other side": frames.frame(frames.WANT, struct.pack(">IH", 0, 0)),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_ends_the_connection_with_a_reason(server, send, what, tmp_path):
    speaker = frames.offer(server.port)
    speaker.send(frames.entries(0, frames.entry(frames.FILE, frames.ROOT, 2 * MIB + 10, "x")))
    speaker.until(frames.WANT)
    speaker.send(NONSENSE[what])
    kind, flags, _, body = speaker.read()
    assert (kind, flags & 1, struct.unpack(">H", body[:2])[0]) == (frames.ERROR, 1, 2)
    # The server goes on, and nothing is there under that name.
    assert send(write(tmp_path / "fine", 10)).status == 0
    assert os.listdir(server.folder / "files") == ["fine"]


def test_a_chunk_with_a_wrong_check_is_asked_for_again_and_never_kept(server):
    speaker = frames.offer(server.port)
    size = 100_000
    speaker.send(frames.entries(0, frames.entry(frames.FILE, frames.ROOT, size, "x")))
    speaker.until(frames.WANT)
    speaker.send(frames.frame(frames.DATA, struct.pack(">IQ", 0, 0) + b"x" * size, 0, 1))
    speaker.send(check_frame(0, 0, b"c" * 16))
    kind, _, number, _ = speaker.read()
    assert (kind, number) == (frames.AGAIN, 1)
    speaker.send(frames.frame(frames.END, struct.pack(">IQ", 1, size)))
    speaker.send(frames.frame(frames.PING, b"", 0, 3))
    speaker.until(frames.PONG)
    assert os.listdir(server.folder / "files") == []


def test_only_the_client_itself_attaches_to_its_transfer(server):
    control = frames.offer(server.port, transfer=b"k" * 16)
    same = frames.client(server.port)
    same.send(frames.frame(frames.ATTACH, b"k" * 16, 0, 1))
    assert same.read()[0] == frames.READY
    other = frames.client(server.port, client_id=b"another client's")
    other.send(frames.frame(frames.ATTACH, b"k" * 16, 0, 1))
    kind, _, _, body = other.read()
    assert (kind, struct.unpack(">H", body[:2])[0]) == (frames.ERROR, 11)
    control.close()


def test_who_is_silent_in_a_transfer_is_asked_and_then_closed(start, woshou, send, tmp_path):
    server = Server(start, woshou, tmp_path / "strict", arguments=["--heartbeat", "0.2"])
    mute = frames.offer(server.port)
    mute.send(frames.entries(0, frames.entry(frames.FILE, frames.ROOT, 5 * MIB, "same")))
    assert mute.until(frames.WANT)
    length, kind = struct.unpack(">IH", mute.exactly(6))
    assert (length, kind) == (0, frames.PING)
    mute.exactly(10)
    kind, flags, _, body = mute.read()
    assert (kind, flags & 1, struct.unpack(">H", body[:2])[0]) == (frames.ERROR, 1, 10)
    # Its name is free again, and what it had begun is kept for it.
    eventually(lambda: send(write(tmp_path / "same", 10), port=server.port).status == 0, "the name")
    assert len(server.left()) == 1


def test_a_receiver_that_takes_nothing_costs_others_nothing(send, get, server, tmp_path):
    big = write(tmp_path / "big.bin", 150 * MIB)
    assert send(big).status == 0
    before = resident_bytes(server.program.pid)
    stuck = []
    for number in range(4):
        speaker = frames.client(server.port, client_id=b"stuck client" + b"%4d" % number)
        speaker.send(frames.frame(frames.FETCH, b"f" * 16 + struct.pack(">HH", 0, 1) +
                                  frames.text("big.bin"), 0, 1))
        speaker.until(frames.ENTRIES)
        speaker.send(frames.frame(frames.WANT, struct.pack(">IHB", 0, 1, 1)))
        assert speaker.read()[0] in (frames.END, frames.DATA)
        stuck.append(speaker)
    assert get("big.bin", "--into", tmp_path / "into").status == 0
    assert filecmp.cmp(big, tmp_path / "into" / "big.bin", shallow=False)
    assert resident_bytes(server.program.pid) - before < 16 * MIB
    for speaker in stuck:
        speaker.close()


def test_a_sender_of_single_bytes_gets_its_file_through(server):
    content = b"slowly"
    speaker = frames.offer(server.port)
    check = bytes.fromhex("b67e3879a38ff0e7c117b8fe8e9fa933")  # as `xxhsum -H2` prints it
    whole = (frames.entries(0, frames.entry(frames.FILE, frames.ROOT, len(content), "slow")) +
             frames.frame(frames.END, struct.pack(">IQ", 1, len(content))) +
             frames.frame(frames.PACK, struct.pack(">I", 0) + check + frames.blob(content), 0, 1))
    for byte in whole:
        speaker.send(bytes([byte]))
    speaker.until(frames.DONE)
    assert server.file("slow").read_bytes() == content


# --- Disks that are full ---


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", place],
                      capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_full_disk_fails_that_upload_with_a_reason_and_leaves_nothing(start, woshou, run, send,
                                                                       small_disk, tmp_path):
    server = Server(start, woshou, small_disk / "server")
    big = write(tmp_path / "big.bin", 40 * MIB)
    sent = send(big, port=server.port)
    assert sent.status == 1
    assert sent.results()[0]["code"] == "disk-full"
    assert sent.summary()["moved_bytes"] == 0  # said before anything was sent
    tree = tmp_path / "tree"
    tree.mkdir()
    for number in range(700):  # small files, for which nothing is reserved
        write(tree / f"{number}", 60_000, number)
    sent = send(tree, port=server.port)
    assert sent.status == 1 and sent.results()[0]["code"] == "disk-full"
    assert os.listdir(server.folder / "files") == [] and server.left() == []
    # What fits still goes, and so does text.
    assert send(write(tmp_path / "fits", 2 * MIB), port=server.port).status == 0
    speaker = frames.client(server.port, business=1)
    speaker.send(frames.frame(frames.PING, b"still there?", 0, 1))
    assert speaker.until(frames.PONG) == b"still there?"


def test_a_full_disk_on_this_side(send, get, small_disk, tmp_path):
    assert send(write(tmp_path / "big.bin", 40 * MIB)).status == 0
    got = get("big.bin", "--into", small_disk / "here")
    assert got.status == 1
    assert got.results()[0]["code"] == "disk-full"
    assert os.listdir(small_disk / "here") == []


# --- Words ---


def test_a_sink_checks_and_keeps_nothing(start, woshou, send, tmp_path):
    sink = Server(start, woshou, tmp_path / "sink", arguments=["--sink"])
    sent = send(write(tmp_path / "big.bin", 5 * MIB), port=sink.port)
    assert sent.status == 0 and sent.summary()["moved_bytes"] == 5 * MIB
    assert not (sink.folder / "files").exists()


def test_what_people_read(run, server, tmp_path):
    where = f"127.0.0.1:{server.port}"
    source = write(tmp_path / "a.bin", 3 * MIB)
    sent = run("send", source, where, cwd=tmp_path)
    assert (sent.status, sent.out, sent.err) == (0, "sent a.bin (3.00 MiB)\n", "")
    again = run("send", source, "--server", where)
    assert again.out == "a.bin was there already\n"
    got = run("get", "a.bin", where, "--into", tmp_path / "into")
    assert (got.status, got.out, got.err) == (0, "got a.bin (3.00 MiB)\n", "")
    quiet = run("get", "a.bin", where, "--into", tmp_path / "quiet", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")
    told = run("get", "a.bin", where, "--into", tmp_path / "told", "--progress")
    missing = run("get", "missing", where)
    assert (missing.status, missing.err) == (1, "woshou: there is no file 'missing'\n")
    assert told.status == 0


@pytest.mark.parametrize("arguments, complaint", [
    (["send"], "say what to send"),
    (["send", "--to", "", "x"], "is no room's name"),
    (["send", "--connections", "0", "x"], "a number from 1 to 64"),
    (["send", "--stall", "soon", "x"], "is no number of seconds"),
    (["get"], "say what to get"),
    (["get", "a", "b", "c"], "say where with --server"),
    (["files", "a", "b"], "one word too many"),
    (["files", "--sort"], "--sort"),
])
def test_used_wrongly(run, arguments, complaint):
    done = run(*arguments)
    assert done.status == 2 and complaint in done.err


def test_nobody_is_there(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    done = run("send", write(tmp_path / "x", 1), "--server", f"127.0.0.1:{port}", "--json")
    assert done.status == 1 and done.summary()["code"] in ("refused", "connection")
