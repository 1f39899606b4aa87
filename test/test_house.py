"""The house's own rules: a folder sees the folders it declares, and no other."""

import json
import os
import pathlib
import shlex
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def commands(woshou):
    """How each source is compiled, by its path in the repository."""
    build = pathlib.Path(os.environ.get("WOSHOU_BUILD", pathlib.Path(woshou).parent)).resolve()
    database = json.loads((build / "compile_commands.json").read_text())
    return {os.path.relpath(pathlib.Path(entry["directory"], entry["file"]).resolve(), ROOT): entry
            for entry in database}


def compiles(entry, header):
    """Whether the source still compiles with that header included first."""
    words = [word for word in shlex.split(entry["command"]) if not word.startswith("-Werror")]
    for flag in ("-o", "-MF", "-MQ"):
        at = words.index(flag)
        del words[at:at + 2]
    words = [word for word in words if word not in ("-c", "-MD")]
    return subprocess.run([*words, "-fsyntax-only", "-include", header], cwd=entry["directory"],
                          capture_output=True).returncode == 0


@pytest.mark.parametrize("source, own, forbidden", [
    ("src/draw/ladder.c", "tcp/story.h", "net/stream.h"),
    ("src/tcp/story.c", "capture/decode.h", "wire/wire.h"),
    ("src/wire/relay.c", "tcp/story.h", "hello/server.h"),
    ("src/hello/server.c", "net/stream.h", "tcp/story.h"),
    ("src/net/stream.c", "woshou/event.h", "draw/ladder.h"),
    ("src/base/buffer.c", "base/error.h", "tcp/story.h"),
    ("src/event/event.c", "base/list.h", "net/stream.h"),
    ("src/net/channel.c", "net/frame.h", "trust/door.h"),
    ("src/trust/door.c", "net/channel.h", "text/text.h"),
    ("src/text/desk.c", "net/channel.h", "history/history.h"),
    ("src/file/service.c", "net/channel.h", "text/text.h"),
    ("src/history/writer.c", "text/keep.h", "serve/server.h"),
])
def test_an_include_across_the_towers_does_not_compile(commands, source, own, forbidden):
    assert compiles(commands[source], own)
    assert not compiles(commands[source], forbidden)


def test_no_include_goes_around_the_house():
    for source in ROOT.glob("src/*/*.[ch]"):
        assert '#include "../' not in source.read_text(), source


@pytest.mark.parametrize("library, folder", [
    ("openssl/", "net"), ("sodium.h", "trust"), ("sqlite3.h", "history"), ("xxhash.h", "file"),
    ("pcap/", "capture"),
])
def test_a_library_is_named_in_one_folder_and_seen_nowhere_else(library, folder):
    named = {source.parent.name for source in ROOT.glob("src/*/*.[ch]")
             if f"#include <{library}" in source.read_text()}
    assert named == {folder}
