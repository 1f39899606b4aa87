"""Who may see what: the demonstration as an ordinary user, with user namespaces and without any right
at all. Run as root, these tests become nobody; run as somebody else, they stay that."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

import pytest

NOBODY = 65534


@pytest.fixture(scope="module")
def place(woshou):
    """A copy of the program, and a folder to write into, within an ordinary user's reach."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="woshou-test-"))
    folder.chmod(0o755)
    shutil.copy2(woshou, folder / "woshou")
    out = folder / "out"
    out.mkdir()
    out.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def as_ordinary_user():
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--no-new-privs"]


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd="/", **more)


def user_namespaces():
    return run([*as_ordinary_user(), "unshare", "-Urn", "true"]).returncode == 0


needs_user_namespaces = pytest.mark.skipif(not user_namespaces(),
                                           reason="no user namespaces for ordinary users here")


@needs_user_namespaces
def test_an_ordinary_user_gets_two_hosts(place):
    ran = run([*as_ordinary_user(), str(place / "woshou"), "demo", "--json", "--out",
               str(place / "out")])
    assert ran.returncode == 0, ran.stderr
    stories = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [story["open"] for story in stories] == ["three-way"] * 4 + ["refused"]
    assert stories[0]["standing"] == "observed"
    page = place / "out" / "demo.html"
    assert page.stat().st_uid == (NOBODY if os.geteuid() == 0 else os.geteuid())
    assert stat.S_IMODE(page.stat().st_mode) & 0o444


@needs_user_namespaces
def test_without_any_right_calls_and_states_are_left_and_that_is_said(place):
    """Inside a user namespace that allows no other, with every capability given up."""
    stripped = ("echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --inh-caps=-all "
                "--bounding-set=-all --no-new-privs \"$0\" demo --json --out \"$1\"")
    ran = run([*as_ordinary_user(), "unshare", "-Ur", "sh", "-c", stripped,
               str(place / "woshou"), str(place / "out")],
              env={**os.environ, "LANGUAGE": "en"})
    assert ran.returncode == 0, ran.stderr
    stories = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(stories) == 5
    assert all(story["packets"] == 0 for story in stories)
    assert stories[-1]["open"] == "refused"
    assert "There are no packets" in ran.stderr
    assert "user namespace" in ran.stderr  # why nothing better could be had
    assert "There are no packets" in (place / "out" / "demo.html").read_text()
