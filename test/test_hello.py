"""The article's conversation with real processes: every byte of it, and all that can go wrong."""

import contextlib
import os
import pathlib
import re
import resource
import signal
import socket
import struct
import subprocess
import threading

import pytest

from conftest import PATIENCE, eventually

HELLO = bytes.fromhex("680065006c006c006f000000")


def wire(text):
    return text.encode("utf-16-le") + b"\0\0"


def connect(server):
    return socket.create_connection((server.host, server.port), timeout=PATIENCE)


def receive(peer, length):
    """Exactly so many bytes, or what came before the end."""
    received = b""
    while len(received) < length and (piece := peer.recv(length - len(received))):
        received += piece
    return received


def greeted(server):
    """A connection that has had its greeting."""
    peer = connect(server)
    assert receive(peer, len(HELLO)) == HELLO
    return peer


def name_of(peer):
    return "%s:%d" % peer.getsockname()[:2]


def reset(peer):
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


# ---- The server -------------------------------------------------------------------------------


def test_the_greeting_is_twelve_bytes_and_then_silence(serve):
    with connect(serve()) as peer:
        assert receive(peer, 12) == HELLO
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)


def test_one_string_is_printed_and_the_server_closes(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(wire("hi there"))
        assert peer.recv(1) == b""
    assert server.out.next() == "hi there"
    assert server.stopped() == 0
    assert server.out.rest() == [] and server.err.rest() == []


def test_another_greeting(serve):
    with connect(serve("--greeting", "握手 😀")) as peer:
        assert receive(peer, 12) == wire("握手 😀") and len(wire("握手 😀")) == 12


def test_the_longest_greeting_and_one_unit_more(serve, woshou):
    with connect(serve("--greeting", "x" * 99)) as peer:
        peer.shutdown(socket.SHUT_WR)
        assert receive(peer, 201) == wire("x" * 99)
    refused = subprocess.run([woshou, "serve", "--hello", "0", "--greeting", "x" * 100],
                             capture_output=True, text=True, timeout=PATIENCE)
    assert refused.returncode == 2
    assert "202 bytes with its zero, of at most 200" in refused.stderr


def test_a_string_sent_byte_by_byte_is_one_string(serve):
    server = serve()
    with greeted(server) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in wire("握手 split 😀"):
            peer.sendall(bytes([byte]))
        assert peer.recv(1) == b""
    assert server.out.next() == "握手 split 😀"


def test_a_string_without_zero_ends_with_the_pause_after_it(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall("no zero".encode("utf-16-le"))
        assert peer.recv(1) == b""
    assert server.out.next() == "no zero"


def test_a_string_without_zero_ends_with_the_connection(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall("finished".encode("utf-16-le"))
        peer.shutdown(socket.SHUT_WR)
        assert peer.recv(1) == b""
    assert server.out.next() == "finished"
    assert server.stopped() == 0
    assert server.err.rest() == []


def test_a_client_that_leaves_without_a_word_is_no_fault(serve):
    server = serve()
    greeted(server).close()
    with greeted(server) as peer:
        peer.sendall(wire("after it"))
        assert server.out.next() == "after it"
    assert server.stopped() == 0
    assert server.err.rest() == []


def test_an_odd_byte_is_left_out_and_told(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(b"a\0b\0c")
        peer.shutdown(socket.SHUT_WR)
        assert server.err.next() == (
            f"{name_of(peer)}: an odd number of bytes, the last left out")
        assert server.out.next() == "ab"


def test_lone_surrogates_are_replaced_and_told(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(b"a\0\x00\xd8b\0\x00\xdc\0\0")
        assert server.err.next() == f"{name_of(peer)}: 2 lone surrogates, shown as U+FFFD"
        assert server.out.next() == "a\ufffdb\ufffd"


def test_three_hundred_bytes_are_two_hundred_and_a_line(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(("x" * 150).encode("utf-16-le"))
        assert server.out.next() == "x" * 100
        assert server.err.next() == f"{name_of(peer)}: more than 200 bytes, the rest left out"
        assert peer.recv(1) == b""  # closed in good order, not by a reset


def test_exactly_two_hundred_bytes_are_no_fault(serve):
    server = serve()
    for text, end in (("y" * 99, b"\0\0"), ("z" * 100, b"")):
        with greeted(server) as peer:
            peer.sendall(text.encode("utf-16-le") + end)
            assert server.out.next() == text
            assert peer.recv(1) == b""
    assert server.stopped() == 0
    assert server.err.rest() == []


def test_more_after_the_zero_is_left_out_and_told(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(wire("first") + wire("second"))
        assert server.out.next() == "first"
        assert server.err.next() == (
            f"{name_of(peer)}: more bytes after the end of its string, left out")
        assert peer.recv(1) == b""


def test_a_flood_does_not_destroy_what_was_said(serve):
    """Closing with bytes unread would send a reset, and the greeting could be lost."""
    server = serve()
    with connect(server) as peer:
        peer.sendall(b"f\0" * 20000)
        assert server.out.next() == "f" * 100
        assert server.err.next() == f"{name_of(peer)}: more than 200 bytes, the rest left out"
        assert receive(peer, 100) == HELLO


def test_escape_sequences_are_shown_and_do_nothing(serve):
    server = serve()
    with greeted(server) as peer:
        peer.sendall(wire("\x1b[31mred\x1b[0m\nnext\u202etxt.exe\x9b"))
        assert server.out.next() == "^[[31mred^[[0m^Jnext<U+202E>txt.exe<U+009B>"


def test_a_client_that_says_nothing_is_told_of_and_closed(serve):
    server = serve("--silence", "0.2")
    with greeted(server) as peer:
        assert peer.recv(1) == b""
        assert server.err.next() == f"{name_of(peer)}: said nothing for 0.2 s, closed"
    assert server.stopped() == 0
    assert server.out.rest() == []


def test_a_reset_is_told_of_and_the_server_goes_on(serve):
    server = serve()
    peer = greeted(server)
    name = name_of(peer)
    reset(peer)
    assert server.err.next() == f"{name}: reset the connection"
    with greeted(server) as peer:
        peer.sendall(wire("still here"))
        assert server.out.next() == "still here"
    assert server.stopped() == 0
    assert server.err.rest() == []


def test_everything_is_freed(serve):
    """A hundred conversations of every kind leave no descriptor behind."""
    server = serve("--silence", "0.2")
    before = server.descriptors()
    peers = []
    for i in range(25):
        reset(greeted(server))
        with greeted(server) as peer:
            peer.sendall(wire("all"))
            assert peer.recv(1) == b""
        greeted(server).close()
        peers.append(greeted(server))
    for peer in peers:
        assert peer.recv(1) == b""
        peer.close()
    eventually(lambda: server.descriptors() <= before + 2, "every descriptor closed")


def test_two_thousand_conversations_at_once(serve):
    wanted = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 3 * wanted:
        pytest.skip(f"only {hard} descriptors may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with contextlib.ExitStack() as stack:
            server = serve()
            peers = [stack.enter_context(connect(server)) for _ in range(wanted)]
            for peer in peers:
                assert receive(peer, 12) == HELLO
            assert len(os.listdir(f"/proc/{server.pid}/task")) == 1
            for i, peer in enumerate(peers):
                peer.sendall(wire(f"number {i}"))
            for peer in peers:
                assert peer.recv(1) == b""
            said = {server.out.next() for _ in peers}
            assert said == {f"number {i}" for i in range(wanted)}
            assert server.stopped() == 0
            assert server.err.rest() == []
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def waiting_for_greeting(peer, seconds):
    peer.settimeout(seconds)
    try:
        return receive(peer, 12) != HELLO
    except TimeoutError:
        return True


def test_out_of_descriptors_the_rest_waits_and_nothing_spins(serve):
    limit = 40
    server = serve(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(connect(server)) for _ in range(60)]
        line = server.err.next()
        assert re.fullmatch(r"woshou: new connections wait, \d+ are open: too many open files", line)
        opened = int(re.search(r"\d+", line)[0])
        assert 5 <= opened < limit
        used = server.cpu_seconds()
        assert waiting_for_greeting(peers[-1], 1)
        assert server.cpu_seconds() - used < 0.2
        for peer in peers[:opened]:  # whoever was served goes on, and makes room
            peer.settimeout(PATIENCE)
            assert receive(peer, 12) == HELLO
            peer.sendall(wire("room"))
            assert peer.recv(1) == b""
        for peer in peers[opened:]:
            peer.settimeout(PATIENCE)
            assert receive(peer, 12) == HELLO
            peer.sendall(wire("room"))
            assert peer.recv(1) == b""
    assert server.stopped() == 0
    assert server.err.rest() == []  # that one line was all
    assert server.out.rest() == ["room"] * 60


def test_several_ports(woshou, start):
    server = start(woshou, "serve", "--hello", "0", "--hello", "127.0.0.1:0")
    for _ in range(2):
        server.host, server.port = re.fullmatch(r"listening on (.*):(\d+)",
                                                server.err.next()).groups()
        greeted(server).close()
    assert server.stopped() == 0


def test_ipv6(serve):
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError as error:
            pytest.skip(f"no ::1 here: {error}")
    server = serve(address="[::1]:0")
    with greeted(server) as peer:
        peer.sendall(b"a\0b\0c")
        peer.shutdown(socket.SHUT_WR)
        assert server.err.next().startswith("[::1]:%d: an odd" % peer.getsockname()[1])
        assert server.out.next() == "ab"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_server_leaves_in_good_order(serve, number):
    server = serve()
    with greeted(server) as peer:
        server.signal(number)
        assert server.ended() == 0
        assert peer.recv(1) == b""
    assert server.err.rest() == []


def test_a_closed_standard_output_is_told(woshou, serve):
    reading, writing = os.pipe()
    server = serve(stdout=writing)
    os.close(writing)
    os.close(reading)
    with greeted(server) as peer:
        peer.sendall(wire("into the void"))
        assert server.ended() == 1
    assert server.err.rest() == ["woshou: standard output: broken pipe"]


# ---- The client -------------------------------------------------------------------------------


class OneServer:
    """A server of the test's own making: accepts one connection, and does with it what `act`
    says; what that returns is in .result."""

    def __init__(self, act, backlog=5):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.result = None
        self.thread = threading.Thread(target=self._run, args=(act,), daemon=True)
        self.thread.start()

    def _run(self, act):
        peer, _ = self.listener.accept()
        peer.settimeout(PATIENCE)
        with peer:
            self.result = act(peer)

    def join(self):
        self.thread.join(PATIENCE)
        self.listener.close()
        return self.result


def hello(woshou, port, *arguments):
    return subprocess.run([woshou, "hello", f"127.0.0.1:{port}", *arguments],
                          capture_output=True, text=True, timeout=PATIENCE)


def test_the_client_prints_the_greeting_and_leaves_with_the_server(woshou):
    server = OneServer(lambda peer: peer.sendall(HELLO))
    ran = hello(woshou, server.port)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello\n", "")


def test_the_client_sends_nothing_unless_told(woshou):
    def act(peer):
        peer.sendall(HELLO)
        peer.shutdown(socket.SHUT_WR)
        return receive(peer, 1)

    server = OneServer(act)
    assert hello(woshou, server.port).returncode == 0
    assert server.join() == b""


def test_the_client_answers_once_after_the_greeting(woshou):
    def act(peer):
        peer.setblocking(False)
        with pytest.raises(BlockingIOError):
            peer.recv(1)  # nothing before the greeting
        peer.settimeout(PATIENCE)
        peer.sendall(HELLO)
        answer = receive(peer, len(wire("你好 😀")))
        peer.sendall(wire("again"))
        peer.shutdown(socket.SHUT_WR)
        return answer + receive(peer, 100)

    server = OneServer(act)
    ran = hello(woshou, server.port, "--say", "你好 😀")
    assert server.join() == wire("你好 😀")
    assert (ran.returncode, ran.stdout) == (0, "hello\nagain\n")


def test_client_and_server_of_ours(woshou, serve):
    server = serve("--greeting", "welcome")
    ran = hello(woshou, server.port, "--say", "握手 😀")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "welcome\n", "")
    assert server.out.next() == "握手 😀"


def test_a_greeting_in_pieces(woshou):
    def act(peer):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in HELLO + wire("and more"):
            peer.sendall(bytes([byte]))

    assert hello(woshou, OneServer(act).port).stdout == "hello\nand more\n"


def test_what_is_unread_when_the_server_closes_is_read_first(woshou):
    text = "long " * 12000
    server = OneServer(lambda peer: peer.sendall(HELLO + wire(text[:30000]) + wire("last")))
    ran = hello(woshou, server.port)
    assert ran.stdout == f"hello\n{text[:30000]}\nlast\n"


def test_a_greeting_without_zero_is_printed_at_the_end(woshou):
    server = OneServer(lambda peer: peer.sendall(b"h\0i\0!"))
    ran = hello(woshou, server.port)
    assert (ran.returncode, ran.stdout) == (0, "hi\n")
    assert ran.stderr == (
        f"127.0.0.1:{server.port}: an odd number of bytes, the last left out\n")


def test_a_greeting_with_escapes_is_shown(woshou):
    server = OneServer(lambda peer: peer.sendall(wire("\x1b]0;title\x07")))
    assert hello(woshou, server.port).stdout == "^[]0;title^G\n"


def test_a_reset_is_a_failure_with_a_sentence(woshou):
    def act(peer):
        peer.sendall(HELLO)
        receive(peer, 4)
        reset(peer)

    server = OneServer(act)
    ran = hello(woshou, server.port, "--say", "x")
    assert (ran.returncode, ran.stdout) == (1, "hello\n")
    assert ran.stderr == f"woshou: 127.0.0.1:{server.port}: connection reset by peer\n"


def test_the_client_leaves_when_its_time_is_over(woshou, serve):
    server = serve()
    ran = hello(woshou, server.port, "--for", "0.2")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello\n", "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_client_leaves_in_good_order(woshou, serve, start, number):
    client = start(woshou, "hello", f"127.0.0.1:{serve().port}")
    assert client.out.next() == "hello"
    client.signal(number)
    assert client.ended() == 0
    assert client.err.rest() == []


@contextlib.contextmanager
def deaf_port():
    """A port whose queue is full: the kernel lets every further SYN fall."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        port = listener.getsockname()[1]
        stack.enter_context(socket.create_connection(("127.0.0.1", port)))
        yield port


def connecting(port):
    """Whether someone has sent a SYN to the port and waits."""
    return any(f":{port:04X} 02 " in line
               for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())


def test_ctrl_c_ends_a_connect_that_nobody_answers(woshou, start):
    with deaf_port() as port:
        client = start(woshou, "hello", f"127.0.0.1:{port}")
        eventually(lambda: connecting(port), "a SYN")
        assert client.stopped() == 1
        assert client.err.rest() == ["woshou: stopped before the connection was made"]


def test_time_ends_a_connect_that_nobody_answers(woshou):
    with deaf_port() as port:
        ran = hello(woshou, port, "--for", "0.2")
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"woshou: 127.0.0.1:{port}: connection timed out\n"


# ---- Used wrongly, and other failures ---------------------------------------------------------


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def test_a_refused_connection(woshou):
    port = free_port()
    ran = hello(woshou, port)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == f"woshou: 127.0.0.1:{port}: connection refused\n"


def test_an_unknown_host(woshou):
    for verb in (["hello", "no.such.host.invalid"], ["serve", "--hello", "no.such.host.invalid:1"]):
        ran = subprocess.run([woshou, *verb], capture_output=True, text=True, timeout=4 * PATIENCE)
        assert ran.returncode == 1
        assert ran.stderr.startswith("woshou: unknown host 'no.such.host.invalid'")
        assert ran.stderr.count("\n") == 1


def test_a_port_in_use(woshou, serve):
    server = serve()
    ran = subprocess.run([woshou, "serve", "--hello", str(server.port)], capture_output=True,
                         text=True, timeout=PATIENCE)
    assert ran.returncode == 1
    assert ran.stderr == (
        f"woshou: cannot listen on 127.0.0.1:{server.port}: address already in use\n")


def test_a_port_that_is_not_allowed(woshou):
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if lowest < 2:
        pytest.skip("every port is allowed here")
    command = [woshou, "serve", "--hello", "127.0.0.1:1"]
    if os.geteuid() == 0:
        command = ["setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service",
                   *command]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    assert ran.returncode == 1
    assert ran.stderr == "woshou: cannot listen on 127.0.0.1:1: permission denied\n"


@pytest.mark.parametrize("arguments, sentence", [
    (["serve", "--hello"], "option '--hello' needs a value"),
    (["serve", "--hello", "65536"], "--hello: '65536' is not a port (0 to 65535)"),
    (["serve", "--hello", "[::1]"], "--hello: '[::1]' has no port"),
    (["serve", "--hello", "0", "more"], "'more' is one word too many"),
    (["serve", "--hello", "0", "--silence", "soon"], "--silence: 'soon' is no number of seconds"),
    (["serve", "--hello", "0", "--silence", "-1"], "--silence: '-1' is no number of seconds"),
    (["serve", "--what"], "there is no option '--what'"),
    (["hello"], "say whom to connect to: HOST[:PORT]"),
    (["hello", "a", "b"], "'b' is one word too many"),
    (["hello", "a:http"], "'http' is not a port (0 to 65535)"),
    (["hello", "a", "--for", "1s"], "--for: '1s' is no number of seconds"),
    (["hello", "a", "-z"], "there is no option '-z'"),
    (["hello", "a", "--say", "x" * 100],
     "--say: the text takes 202 bytes with its zero, of at most 200"),
    (["hello", "a", "--say", b"\xff"], "--say: the text is not well-formed UTF-8"),
])
def test_wrong_arguments(woshou, arguments, sentence):
    ran = subprocess.run([woshou, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.splitlines()[0] == f"woshou: {sentence}"


@pytest.mark.parametrize("verb", ["serve", "hello"])
def test_help(woshou, verb):
    ran = subprocess.run([woshou, verb, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith(f"Usage: woshou {verb}")
