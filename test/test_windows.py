"""The article's own two programs, compiled for Windows and run under Wine, against ours: the same
bytes in both directions. Only the address and the port in their sources are changed; and no-break
spaces, which the web page put in place of spaces, become spaces again."""

import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest

from conftest import PATIENCE, eventually

ARTICLE = pathlib.Path(os.environ.get(
    "WOSHOU_ARTICLE",
    pathlib.Path(__file__).resolve().parent.parent.parent / "shared" / "article.txt"))
COMPILERS = ["x86_64-w64-mingw32-g++-posix"]  # std::thread needs the posix flavour
WINES = ["wine64", "wine", "/usr/lib/wine/wine64"]
WINE_SERVERS = ["wineserver", "/usr/lib/wine/wineserver64", "/usr/lib/wine/wineserver"]


def find(names, what):
    for name in names:
        if path := shutil.which(name):
            return path
    pytest.skip(f"{what} is not installed")


def sources():
    """The article's server and client."""
    if not ARTICLE.exists():
        pytest.skip(f"the article is not at {ARTICLE}; WOSHOU_ARTICLE may say where it is")
    text = ARTICLE.read_text(encoding="utf-8").replace("\u00a0", " ")
    found = re.search(r"/\*+server\*+/\n(.*?)/\*+client\*+/\n(.*\n\})\n", text, re.DOTALL)
    assert found, "the article's two programs are not where they were"
    return {"server": found[1], "client": found[2]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listening(port):
    return any(f":{port:04X} 00000000:0000 0A " in line
               for line in pathlib.Path("/proc/net/tcp").read_text().splitlines())


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """Runs commands in a Windows of their own: what to put before, and the environment."""
    sources()
    find(COMPILERS, "the compiler for Windows")
    wine = find(WINES, "Wine")
    prefix = tmp_path_factory.mktemp("windows") / "prefix"
    # No menus, no browser, no .NET: only what the two programs need.
    environment = {**os.environ, "WINEPREFIX": str(prefix), "WINEDEBUG": "-all",
                   "WINEDLLOVERRIDES": "mscoree=;mshtml=;winemenubuilder.exe="}
    environment.pop("DISPLAY", None)
    made = subprocess.run([wine, "wineboot", "-i"], env=environment, timeout=300,
                          capture_output=True)
    if made.returncode != 0 or not prefix.exists():
        pytest.skip(f"Wine does not start here: {made.stderr[-200:]}")
    yield wine, environment
    for name in WINE_SERVERS:
        if server := shutil.which(name):
            subprocess.run([server, "-k", "-w"], env=environment, timeout=60)
            break


@pytest.fixture(scope="module")
def compile_for_windows(tmp_path_factory):
    """Compiles the article's server or client for a port of this machine."""
    folder = tmp_path_factory.mktemp("article")
    compiler = find(COMPILERS, "the compiler for Windows")
    # The article writes the headers' names with capitals, which only Windows takes for the same.
    for name in ("Winsock2.h", "Windows.h"):
        (folder / name).write_text(f"#include <{name.lower()}>\n")

    def compile_program(name, port):
        source = sources()[name]
        assert source.count("88.88.106.30") == 1 and source.count("30001") == 1
        path = folder / f"{name}.cpp"
        path.write_text(source.replace("88.88.106.30", "127.0.0.1").replace("30001", str(port)),
                        encoding="utf-8")
        program = path.with_suffix(".exe")
        subprocess.run([compiler, "-O0", "-w", "-static", f"-I{folder}", path, "-o", program,
                        "-lws2_32"], check=True, timeout=120)
        return program

    return compile_program


def test_the_articles_client_and_our_server(windows, compile_for_windows, serve, start):
    wine, environment = windows
    server = serve()
    client = start(wine, compile_for_windows("client", server.port), env=environment)
    assert client.out.next(patience=60) == "hello\r"
    # It stays for twenty seconds, then sets its stop event.
    assert client.out.next(patience=60) == "program will exit.\r"
    assert client.ended() == 0
    assert server.stopped() == 0
    assert server.out.rest() == [] and server.err.rest() == []


def test_the_articles_server_and_our_client(windows, compile_for_windows, woshou, start):
    wine, environment = windows
    port = free_port()
    server = start(wine, compile_for_windows("server", port), env=environment)
    eventually(lambda: listening(port), "the article's server listening", patience=60)
    for text in ("hi there", "x" * 99):
        ran = subprocess.run([woshou, "hello", f"127.0.0.1:{port}", "--say", text],
                             capture_output=True, text=True, timeout=PATIENCE)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "hello\n", "")
        assert server.out.next() == f"{text}\r"
