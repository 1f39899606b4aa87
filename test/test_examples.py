"""The event library as its users meet it: the examples with real peers, the guide's code, the manual
pages, and all of it once more against the installed library."""

import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess

import pytest

from conftest import PATIENCE, eventually

ROOT = pathlib.Path(__file__).resolve().parent.parent
HEADER = (ROOT / "include/woshou/event.h").read_text()
GUIDE = (ROOT / "doc/event.md").read_text()
PAGES = sorted((ROOT / "man").glob("wo_*.3")) + [ROOT / "man/woshou_event.7"]
STRICT = ["-std=c17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wshadow", "-Wconversion",
          "-Wno-sign-conversion", "-Werror"]


@pytest.fixture
def example(woshou, start):
    """Starts an example of the build that `woshou` is of."""

    def start_example(name, *arguments, **more):
        path = pathlib.Path(woshou).parent / "examples" / name
        if not path.exists():
            pytest.fail(f"{path} is not there: build with -Dtests=true or -Dexamples=true")
        return start(path, *arguments, **more)

    return start_example


@pytest.fixture
def echo_server(example):
    """Starts the echo server on a free port; .port is its port."""

    def start_server(**more):
        server = example("echo_server", 0, **more)
        line = server.err.next()
        server.port = int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)", line)[1])
        return server

    return start_server


@pytest.fixture
def listener():
    """Listens on a free port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:
        listening.settimeout(PATIENCE)
        yield listening


@pytest.fixture
def nobodys_port():
    """A port where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield port_of(bound)


def port_of(listening):
    return listening.getsockname()[1]


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def receive(peer, length):
    """Exactly so many bytes, or what came before the end."""
    received = bytearray()
    while len(received) < length and (piece := peer.recv(length - len(received))):
        received += piece
    return bytes(received)


def peer_ends(peer):
    return peer.recv(1) == b""


# ---- The echo server --------------------------------------------------------------------------


def test_the_echo_server_echoes_to_many_at_once_and_stops_when_told(echo_server):
    server = echo_server()
    peers = [connect(server.port) for _ in range(300)]
    for turn in range(3):
        for number, peer in enumerate(peers):
            peer.sendall(b"%d says %d" % (number, turn))
        for number, peer in enumerate(peers):
            said = b"%d says %d" % (number, turn)
            assert receive(peer, len(said)) == said
    for peer in peers:
        peer.close()
    eventually(lambda: server.descriptors() < 50, "the end of the connections")
    assert server.stopped() == 0


def test_the_echo_server_sends_all_back_to_who_ends_before_reading(echo_server):
    server = echo_server()
    sent = bytes(range(256)) * 512  # more than one piece, less than what the kernel holds
    with connect(server.port) as peer:
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        assert receive(peer, len(sent)) == sent
        assert peer_ends(peer)


def test_a_peer_that_does_not_read_holds_up_nobody_else(echo_server):
    server = echo_server()
    with connect(server.port) as slow, connect(server.port) as quick:
        sent = 0
        slow.settimeout(0)
        with pytest.raises(BlockingIOError):
            while True:
                sent += slow.send(bytes(65536))
        quick.sendall(b"still there?")
        assert receive(quick, 12) == b"still there?"
        slow.settimeout(PATIENCE)
        slow.shutdown(socket.SHUT_WR)
        assert len(receive(slow, sent)) == sent
        assert peer_ends(slow)


def test_a_reset_ends_one_connection_alone(echo_server):
    server = echo_server()
    with connect(server.port) as other:
        peer = connect(server.port)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.sendall(b"never read")
        peer.close()
        other.sendall(b"hello")
        assert receive(other, 5) == b"hello"


def test_who_finds_no_descriptor_is_served_once_one_is_free(echo_server):
    few = 24
    server = echo_server(
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)))
    peers = [connect(server.port) for _ in range(3 * few)]
    for number, peer in enumerate(peers):
        peer.sendall(b"%02d" % number)
    for number, peer in enumerate(peers):  # each that ends lets the next one in
        assert receive(peer, 2) == b"%02d" % number
        # It is not busy failing to accept those for whom there is none.
        eventually(lambda: "State:\tS" in pathlib.Path(f"/proc/{server.pid}/status").read_text(),
                   "a server that rests")
        peer.close()


# ---- The article's client ---------------------------------------------------------------------


def test_the_articles_client_prints_hello_and_leaves_when_it_is_stopped(serve, example):
    client = example("article_client", "127.0.0.1", serve().port, "0.3")
    assert client.out.next() == "hello"
    assert client.out.next() == "program will exit."
    assert client.ended() == 0


def test_the_articles_client_leaves_when_the_server_does(serve, example):
    server = serve()
    client = example("article_client", "127.0.0.1", server.port)
    assert client.out.next() == "hello"
    server.stopped()
    assert client.out.rest() == []
    assert client.ended() == 0


def test_the_articles_client_puts_divided_strings_together(listener, example):
    client = example("article_client", "127.0.0.1", port_of(listener),
                     env={**os.environ, "LC_ALL": "C.UTF-8"})
    peer, _ = listener.accept()
    with peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in "握手 𠮷\0".encode("utf-16-le"):
            peer.sendall(bytes([byte]))
        assert client.out.next() == "握手 𠮷"
        peer.sendall("\x1b[2J\u202edone\0".encode("utf-16-le"))  # and the end, at once
    assert client.out.rest() == ["?[2J?done"]
    assert client.ended() == 0


def test_the_articles_client_says_why_it_cannot_connect(nobodys_port, example):
    client = example("article_client", "127.0.0.1", nobodys_port)
    assert client.ended() == 1
    assert client.err.rest() == ["article_client: connecting: Connection refused"]


# ---- Forty connections ------------------------------------------------------------------------


def test_forty_connections_are_all_answered(echo_server, example):
    client = example("forty_connections", "127.0.0.1", echo_server().port)
    lines = client.out.rest()
    assert lines.pop() == "40 of 40 connections are over"
    assert sorted(lines) == sorted(
        f"connection {i}: {len(f'this is connection {i}') + 1} bytes came back"
        for i in range(40))
    assert client.ended() == 0


def test_forty_connections_that_nobody_answers_can_be_stopped(listener, example):
    client = example("forty_connections", "127.0.0.1", port_of(listener))
    peers = [listener.accept()[0] for _ in range(40)]
    for peer in peers:
        peer.settimeout(PATIENCE)
        assert receive(peer, 64).startswith(b"this is connection ")
    assert client.stopped() == 1
    assert client.out.rest() == ["0 of 40 connections are over"]


def test_forty_refused_connections_say_so(nobodys_port, example):
    client = example("forty_connections", "127.0.0.1", nobodys_port)
    lines = client.out.rest()
    assert lines.pop() == "40 of 40 connections are over"
    assert sorted(lines) == sorted(f"connection {i}: Connection refused" for i in range(40))
    assert client.ended() == 0


# ---- The timer --------------------------------------------------------------------------------


def test_the_timer_ticks_and_never_early(example):
    timer = example("timer", 3)
    *ticks, end = timer.out.rest()
    times = [re.fullmatch(r"tick (\d+), (\d+) ms", line).groups() for line in ticks]
    assert [int(number) for number, _ in times] == list(range(1, len(times) + 1))
    assert 1 <= len(times) <= 3  # fewer only where the machine slept through some
    for number, ms in times:
        assert int(ms) >= 100 * int(number) - 1
    assert int(re.fullmatch(r"the end, (\d+) ms", end)[1]) >= 349
    assert timer.ended() == 0


# ---- The guide --------------------------------------------------------------------------------


def blocks():
    """The guide's blocks of code, as (what stands behind the fence, text, line)."""
    for match in re.finditer(r"^```(.*)\n((?:.*\n)*?)```$", GUIDE, re.MULTILINE):
        yield match[1], match[2], GUIDE.count("\n", 0, match.start()) + 1


def in_language(*wanted):
    return [pytest.param(text, id=f"line {line}")
            for language, text, line in blocks() if language in wanted]


def test_the_guide_has_no_code_that_nobody_compiles():
    assert {language for language, _, _ in blocks()} == {"c complete", "cpp windows", "sh"}


@pytest.mark.parametrize("text", in_language("c complete"))
def test_the_guides_code_compiles(text, tmp_path):
    source = tmp_path / "block.c"
    source.write_text(text)
    subprocess.run(["cc", *STRICT, "-I", ROOT / "include", "-c", source, "-o",
                    tmp_path / "block.o"], check=True, timeout=PATIENCE)


@pytest.mark.parametrize("text", in_language("cpp windows"))
def test_the_guides_code_for_windows_compiles(text, tmp_path):
    compiler = shutil.which("x86_64-w64-mingw32-g++-posix")
    if not compiler:
        pytest.skip("there is no compiler for Windows")
    source = tmp_path / "block.cpp"
    source.write_text(text)
    subprocess.run([compiler, "-fsyntax-only", source], check=True, timeout=PATIENCE)


# ---- The manual pages -------------------------------------------------------------------------


def squeeze(text):
    return re.sub(r"\s*([*(),])\s*", r"\1", " ".join(text.split()))


def prototypes():
    """The header's functions: name, and the prototype in one line."""
    code = re.sub(r"/\*.*?\*/", "", HEADER, flags=re.DOTALL)
    found = {}
    for match in re.finditer(r"^WO_API\s+([^;]*?)(\w+)(\([^;]*\));", code, re.MULTILINE):
        found[match[2]] = squeeze("".join(match.groups()))
    assert len(found) >= 20
    return found


def documented():
    """The pages' functions: name, and the prototype that SYNOPSIS puts together."""
    found = {}
    for page in PAGES:
        text = page.read_text()
        synopsis = text[text.index(".Sh SYNOPSIS"):text.index(".Sh DESCRIPTION")]
        for match in re.finditer(r"^\.Ft (.*)\n\.Fn (\w+) (.*)$", synopsis, re.MULTILINE):
            arguments = re.findall(r'"([^"]*)"|(\S+)', match[3])
            joined = ",".join(quoted or plain for quoted, plain in arguments)
            assert match[2] not in found, f"{match[2]} is documented twice"
            found[match[2]] = squeeze(f"{match[1].strip(chr(34))} {match[2]}({joined})")
    return found


def test_every_function_has_a_manual_page_that_has_its_prototype():
    assert documented() == prototypes()


@pytest.mark.parametrize("path", [*PAGES, ROOT / "doc/event.md"], ids=lambda path: path.name)
def test_pages_and_guide_name_only_what_the_header_has(path):
    known = set(re.findall(r"\bw[oO]_\w+|\bWO_\w+", re.sub(r"/\*.*?\*/", "", HEADER, flags=re.S)))
    named = set(re.findall(r"\b(?:wo|WO)_\w+", path.read_text()))
    own_titles = {page.stem.upper() for page in PAGES}
    assert named - known - own_titles == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_a_page_has_all_its_sections_and_no_fault(page):
    sections = re.findall(r"^\.Sh (.*)$", page.read_text(), re.MULTILINE)
    if page.suffix == ".3":
        for section in ("NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUES", "EXAMPLES", "ERRORS",
                        "SEE ALSO"):
            assert section in sections
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True, timeout=PATIENCE, check=False)
    assert lint.stdout == ""


# ---- Installed --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installed(woshou, tmp_path_factory):
    """What `meson install` puts into an empty place."""
    if not shutil.which("meson") or not shutil.which("pkg-config"):
        pytest.skip("meson and pkg-config are not there")
    place = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", pathlib.Path(woshou).parent, "--no-rebuild",
                    "--quiet", "--destdir", place], check=True, timeout=10 * PATIENCE,
                   stdout=subprocess.DEVNULL)
    return place


def only(place, pattern):
    (path,) = place.rglob(pattern)
    return path


def test_every_function_is_found_under_its_own_name(installed):
    pages = {path.stem for path in only(installed, "man3").iterdir() if path.exists()}
    assert pages == set(prototypes())


def test_the_installed_examples_build_against_the_installed_library(installed, tmp_path, start):
    examples = only(installed, "timer.c").parent
    library = only(installed, "woshou.pc").parent
    assert (examples.parent / "event.md").exists()
    for path in examples.iterdir():
        shutil.copy(path, tmp_path)
    subprocess.run(["make", "-C", tmp_path, "CFLAGS=" + " ".join(STRICT)], check=True,
                   timeout=10 * PATIENCE, stdout=subprocess.DEVNULL,
                   env={**os.environ, "PKG_CONFIG_PATH": str(library),
                        "PKG_CONFIG_SYSROOT_DIR": str(installed)})
    timer = start(tmp_path / "timer", 1, env={"LD_LIBRARY_PATH": str(library.parent)})
    assert timer.out.rest()[-1].startswith("the end")
    assert timer.ended() == 0
