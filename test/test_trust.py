"""Whom the server lets in, and whom its clients take it for: with real processes, from this machine and,
in a network namespace of its own, from another address."""

import json
import os
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import time

import pytest

from conftest import PATIENCE, Program, eventually

ELSEWHERE = "10.9.0.1"

# Error codes of doc/protocol.md.
MALFORMED, TOO_LARGE, TIMEOUT = 2, 3, 10


def frame(kind, body=b"", flags=0, number=0):
    return struct.pack(">IHHQ", len(body), kind, flags, number) + body


def text(words):
    return struct.pack(">H", len(words.encode())) + words.encode()


def hello(business=1, name="ann", token=""):
    return frame(1, struct.pack(">IHHBBI", 0x5753484F, 1, 1, business, 0, 0) + bytes(16)
                 + text(name) + text(token))


def receive_frame(peer):
    """Type, flags, id and body of the next frame; None at the end."""
    def exactly(length):
        received = b""
        while len(received) < length:
            piece = peer.recv(length - len(received))
            if not piece:
                return None
            received += piece
        return received

    header = exactly(16)
    if header is None:
        return None
    length, kind, flags, number = struct.unpack(">IHHQ", header)
    return kind, flags, number, exactly(length)


def error_code(received):
    assert received is not None and received[0] == 3, received
    assert received[1] & 1  # fatal
    return struct.unpack(">H", received[3][:2])[0]


@pytest.fixture
def home(tmp_path):
    """A client's own places, so that nothing of the user's is touched."""
    return {**os.environ, "LANGUAGE": "en", "XDG_STATE_HOME": str(tmp_path / "state"),
            "XDG_CONFIG_HOME": str(tmp_path / "config")}


class House:
    """Where programs run: here, or in a namespace that has another address."""

    def __init__(self, prefix=()):
        self.prefix = [*prefix]

    def run(self, *arguments, **more):
        return subprocess.run([*self.prefix, *map(str, arguments)], capture_output=True, text=True,
                              timeout=PATIENCE, **more)


@pytest.fixture
def elsewhere(start):
    """Programs run where ELSEWHERE is an address that is not the loopback's."""
    script = f"ip link set lo up && ip addr add {ELSEWHERE}/32 dev lo && echo ready && exec cat"
    holder = start("unshare", "-rn", "sh", "-c", script, stdin=subprocess.PIPE)
    if holder.out.next() != "ready":
        pytest.skip("# skipped: no network namespaces here")
    house = House(["nsenter", "-t", str(holder.pid), "-U", "-n", "--preserve-credentials"])
    if house.run("true").returncode != 0:
        pytest.skip("# skipped: this user may not enter a namespace of his own")
    return house


@pytest.fixture
def server(woshou, start, tmp_path, home):
    """Starts `woshou serve`; .port, .fingerprint, .directory."""

    def start_server(*arguments, house=House(), listen="127.0.0.1:0"):
        directory = tmp_path / "server"
        program = start(*house.prefix, woshou, "serve", "--listen", listen, "--dir", directory,
                        *arguments, env=home)
        line = program.err.next()
        listening = re.fullmatch(r"listening on (.*):(\d+)", line or "")
        assert listening, f"instead of listening: {line}"
        program.host, program.port = listening[1], int(listening[2])
        line = program.err.next()
        shown = re.fullmatch(r"fingerprint ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})", line or "")
        assert shown, f"instead of its fingerprint: {line}"
        program.fingerprint, program.directory = shown[1], directory
        return program

    return start_server


def connect(server):
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)


def connect_tls(server, **more):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, value in more.items():
        setattr(context, name, value)
    return context.wrap_socket(connect(server))


# ---- Frames at the door -----------------------------------------------------------------------


@pytest.mark.parametrize("connecting", [connect, connect_tls])
def test_hello_is_welcomed_plain_and_through_tls(server, connecting):
    with connecting(server()) as peer:
        peer.sendall(hello())
        kind, _, _, body = receive_frame(peer)
        assert kind == 2
        assert struct.unpack(">HIII", body[:14]) == (1, 0, 1 << 20, 30000)
        assert body.endswith(text("ann"))
        peer.sendall(frame(4, b"are you there?"))
        assert receive_frame(peer) == (5, 0, 0, b"are you there?")


@pytest.mark.parametrize("connecting", [connect, connect_tls])
@pytest.mark.parametrize("said, code", [
    (struct.pack(">IHHQ", 2 << 30, 1, 0, 0), TOO_LARGE),
    (struct.pack(">IHHQ", 65537, 1, 0, 0), TOO_LARGE),
    (frame(4), MALFORMED),
    (frame(1, b"hello"), MALFORMED),
    (hello().replace(b"WSHO", b"WSHP"), MALFORMED),
    (hello(name="a\0b"), MALFORMED),
    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", TOO_LARGE),
])
def test_what_is_no_hello_gets_an_error_and_the_end(server, connecting, said, code):
    with connecting(server()) as peer:
        peer.sendall(said)
        assert error_code(receive_frame(peer)) == code
        assert receive_frame(peer) is None


def test_a_declared_length_of_2_gb_takes_no_memory(server):
    running = server()

    def resident_kb():
        return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(
            f"/proc/{running.pid}/status").read_text())[1])

    with connect(running) as peer:  # so that what is only paid once is paid
        peer.sendall(hello())
        assert receive_frame(peer)[0] == 2
        before = resident_kb()
        for _ in range(20):
            with connect(running) as greedy:
                greedy.sendall(hello() + struct.pack(">IHHQ", 0x7FFFFFFF, 0x0103, 0, 0))
                assert receive_frame(greedy)[0] == 2
                assert error_code(receive_frame(greedy)) == TOO_LARGE
        assert resident_kb() < before + 8192


def test_one_byte_a_second_buys_no_time(server):
    """The deadline is for all of HELLO: who dribbles is told so and closed in the same ten seconds."""
    running = server()
    began = time.monotonic()
    with connect(running) as slow, connect(running) as silent, connect(running) as half:
        half.sendall(b"\x16\x03\x01")  # the beginning of a TLS handshake
        slow.settimeout(1)
        for byte in hello():
            slow.sendall(bytes([byte]))
            try:
                slow.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                assert time.monotonic() - began < PATIENCE
        slow.settimeout(PATIENCE)
        assert error_code(receive_frame(slow)) == TIMEOUT
        assert error_code(receive_frame(silent)) == TIMEOUT
        assert half.recv(1) == b""
    assert 9 < time.monotonic() - began < 15


# ---- TLS --------------------------------------------------------------------------------------


def test_openssl_s_client_is_a_client_too(server):
    client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{server().port}", "-quiet"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL)
    try:
        client.stdin.write(hello())
        client.stdin.flush()
        length, kind, _, _ = struct.unpack(">IHHQ", client.stdout.read(16))
        assert kind == 2
        assert client.stdout.read(length).endswith(text("ann"))
    finally:
        client.kill()
        client.communicate()


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_1", "-tls1"])
def test_older_tls_is_refused(server, version):
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server().port}", "-quiet",
                           version, "-cipher", "ALL:@SECLEVEL=0"], input=hello(),
                          capture_output=True, timeout=PATIENCE)
    assert done.stdout == b""
    assert b"alert protocol version" in done.stderr


def test_the_certificate_is_the_one_shown_and_stays(server, tmp_path):
    first = server()
    with connect_tls(first) as peer:
        assert peer.version() == "TLSv1.3"
        certificate = peer.getpeercert(binary_form=True)
    shown = subprocess.run(["openssl", "x509", "-inform", "DER", "-noout", "-fingerprint", "-sha256"],
                           input=certificate, capture_output=True, check=True).stdout.decode()
    assert shown.strip().rpartition("=")[2] == first.fingerprint
    assert (tmp_path / "server" / "identity.pem").stat().st_mode & 0o777 == 0o600
    assert first.stopped() == 0
    assert server().fingerprint == first.fingerprint


def test_a_key_that_others_can_read_is_not_used(woshou, server, tmp_path):
    assert server().stopped() == 0
    path = tmp_path / "server" / "identity.pem"
    path.chmod(0o644)
    done = House().run(woshou, "serve", "--listen", "127.0.0.1:0", "--dir", tmp_path / "server")
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(f"others can read the server's key: chmod 600 {path}")


# ---- Clients ----------------------------------------------------------------------------------


def say(house, woshou, server, home, *arguments, host="127.0.0.1"):
    return house.run(woshou, "say", "--server", f"{host}:{server.port}", *arguments, "lobby", "hi",
                     env=home)


def test_a_server_is_pinned_at_the_first_meeting_and_refused_when_it_changes(
        woshou, server, home, tmp_path):
    running = server()
    known = tmp_path / "state" / "woshou" / "known-servers"
    done = say(House(), woshou, running, home, "--tls")
    assert done.returncode == 0
    assert running.fingerprint in done.stderr and "first time" in done.stderr
    assert known.read_text() == f"127.0.0.1:{running.port} {running.fingerprint}\n"
    done = say(House(), woshou, running, home, "--tls")
    assert (done.returncode, done.stderr) == (0, "")

    assert running.stopped() == 0
    (tmp_path / "server" / "identity.pem").unlink()
    changed = server(listen=f"127.0.0.1:{running.port}")
    assert changed.fingerprint != running.fingerprint
    done = say(House(), woshou, changed, home, "--tls")
    assert done.returncode == 1
    assert "has another certificate than before" in done.stderr and str(known) in done.stderr
    assert known.read_text() == f"127.0.0.1:{running.port} {running.fingerprint}\n"

    known.unlink()  # what the sentence says to do
    assert say(House(), woshou, changed, home, "--tls").returncode == 0


def test_a_fingerprint_can_be_asked_for(woshou, server, home):
    running = server()
    assert say(House(), woshou, running, home, "--tls", "--fingerprint",
               running.fingerprint.lower()).returncode == 0
    done = say(House(), woshou, running, home, "--tls", "--fingerprint", "00:11")
    assert done.returncode == 1 and running.fingerprint in done.stderr


def new_token(woshou, server, name, *arguments):
    done = House().run(woshou, "token", "make", name, "--dir", server.directory, *arguments)
    assert done.returncode == 0
    return done.stdout.strip()


def test_from_elsewhere_it_takes_tls_and_a_token(woshou, server, elsewhere, home):
    running = server(house=elsewhere, listen=f"{ELSEWHERE}:0")

    def talk(*arguments, **environment):
        return say(elsewhere, woshou, running, {**home, **environment}, *arguments, host=ELSEWHERE)

    done = talk()
    assert done.returncode == 1 and "woshou token make" in done.stderr
    assert json.loads(talk("--json").stdout)["error"] == "token-required"
    done = talk("--plain")
    assert done.returncode == 1 and "TLS" in done.stderr
    token = new_token(woshou, running, "ann")
    assert talk("--token", token).returncode == 0
    assert talk(WOSHOU_TOKEN=token).returncode == 0
    done = talk("--plain", "--token", token)
    assert done.returncode != 0 and "without TLS" in done.stderr

    # Revoked, while the server runs.
    assert House().run(woshou, "token", "revoke", "ann", "--dir", running.directory).returncode == 0
    done = talk("--token", token)
    assert done.returncode == 1 and "revoked" in done.stderr


def test_who_is_in_leaves_when_his_token_is_revoked(woshou, server, elsewhere, home, start):
    running = server(house=elsewhere, listen=f"{ELSEWHERE}:0")
    tokens = {name: new_token(woshou, running, name) for name in ("ann", "bob")}
    talkers = {name: start(*elsewhere.prefix, woshou, "talk", "--json", f"{ELSEWHERE}:{running.port}",
                           "lobby", env={**home, "WOSHOU_TOKEN": token}, stdin=subprocess.PIPE)
               for name, token in tokens.items()}

    def said(name, words):
        talkers[name].process.stdin.write(words.encode() + b"\n")
        talkers[name].process.stdin.flush()

    def heard(name, words):
        while words not in (line := talkers[name].out.next()):
            assert line is not None
        return line

    for name in tokens:
        assert json.loads(heard(name, "joined"))["name"] == name
    said("ann", "here I am")
    heard("bob", "here I am")
    assert House().run(woshou, "token", "revoke", "ann", "--dir", running.directory).returncode == 0
    assert talkers["ann"].ended() == 1
    assert any("revoked" in line for line in talkers["ann"].out.rest() + talkers["ann"].err.rest())
    said("bob", "alone now")
    heard("bob", '"what":"said"')
    talkers["bob"].process.stdin.close()
    assert talkers["bob"].ended() == 0


def test_tokens_come_from_files_that_nobody_else_reads(woshou, server, elsewhere, home, tmp_path):
    running = server(house=elsewhere, listen=f"{ELSEWHERE}:0")
    token = new_token(woshou, running, "ann")
    alone = tmp_path / "alone"
    alone.write_text(f"\n  {token}\n")
    alone.chmod(0o600)

    def talk(*arguments):
        return say(elsewhere, woshou, running, home, *arguments, host=ELSEWHERE)

    assert talk("--token-file", alone).returncode == 0
    alone.chmod(0o640)
    done = talk("--token-file", alone)
    assert done.returncode == 1 and "chmod 600" in done.stderr

    table = tmp_path / "config" / "woshou" / "tokens"
    table.parent.mkdir(parents=True)
    table.write_text(f"other.example:30000 wst_no\n{ELSEWHERE}:{running.port}\t{token}\n")
    table.chmod(0o600)
    assert talk().returncode == 0
    table.chmod(0o644)
    done = talk()
    assert done.returncode == 1 and "chmod 600" in done.stderr


def test_guessing_is_slowed_down_and_says_when_to_come_back(woshou, server, elsewhere, home):
    running = server(house=elsewhere, listen=f"{ELSEWHERE}:0")
    token = new_token(woshou, running, "ann")
    said = [say(elsewhere, woshou, running, home, "--token", f"wst_{i}", host=ELSEWHERE).stderr
            for i in range(4)]
    assert all("unknown, revoked or expired" in sentence for sentence in said)
    done = say(elsewhere, woshou, running, home, "--token", token, host=ELSEWHERE)
    assert done.returncode == 1 and "too many wrong tokens" in done.stderr


def test_insecure_does_what_it_says(woshou, server, elsewhere, home):
    running = server("--insecure", house=elsewhere, listen=f"{ELSEWHERE}:0")
    assert say(elsewhere, woshou, running, home, "--plain", host=ELSEWHERE).returncode == 0
    assert say(elsewhere, woshou, running, home, host=ELSEWHERE).returncode == 0
