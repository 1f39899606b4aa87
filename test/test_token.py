"""Tokens as a person and a program make, list and revoke them."""

import json
import os
import stat
import subprocess
import time

import pytest

from conftest import PATIENCE


@pytest.fixture
def token(woshou, tmp_path):
    """Runs `woshou token ...` on a server's directory of its own; gives status, output, complaints."""

    def run(*arguments, language="en", directory=tmp_path / "server", **environment):
        done = subprocess.run(
            [woshou, "token", *arguments, *(["--dir", str(directory)] if directory else [])],
            capture_output=True, text=True, timeout=PATIENCE,
            env={**os.environ, "LANGUAGE": language, **environment})
        return done.returncode, done.stdout, done.stderr

    run.directory = tmp_path / "server"
    return run


def listed(token):
    status, out, _ = token("list", "--json")
    assert status == 0
    return [json.loads(line) for line in out.splitlines()]


def test_a_token_is_printed_once_and_alone(token):
    status, out, err = token("make", "ann")
    assert status == 0
    assert out.startswith("wst_") and len(out) == 56 and out.endswith("\n")
    assert "not shown again" in err and out.strip() not in err
    kept = (token.directory / "tokens").read_text()
    assert out[12:].strip() not in kept
    assert stat.S_IMODE((token.directory / "tokens").stat().st_mode) == 0o600
    assert stat.S_IMODE(token.directory.stat().st_mode) == 0o700
    assert token("list")[1].splitlines()[0].split() == ["ID", "made", "expires", "name"]
    assert [row["name"] for row in listed(token)] == ["ann"]


def test_json_has_all_of_it(token):
    before = int(time.time())
    status, out, err = token("make", "安-of-the-north", "--expires", "90d", "--json")
    made = json.loads(out)
    assert status == 0 and err == ""
    assert made["token"].startswith("wst_" + made["id"])
    assert made["name"] == "安-of-the-north"
    assert before <= made["made"] <= time.time()
    assert made["expires"] == made["made"] + 90 * 86400
    assert listed(token) == [{key: made[key] for key in ("id", "name", "made", "expires")}]


def test_a_day_is_where_the_user_is(token):
    for zone, expected in (("UTC", 4073932800), ("Asia/Shanghai", 4073932800 - 8 * 3600)):
        status, out, _ = token("make", "ann", "--expires", "2099-02-05", "--json", TZ=zone)
        assert status == 0 and json.loads(out)["expires"] == expected


def test_revoking_by_id_and_by_name(token):
    ids = [json.loads(token("make", name, "--json")[1])["id"] for name in ("ann", "ann", "bob")]
    assert token("revoke", ids[0], "--json") == (0, '{"revoked":1}\n', "")
    assert [row["id"] for row in listed(token)] == ids[1:]
    token("make", "ann")
    status, out, err = token("revoke", "ann")
    assert (status, out) == (0, "") and "2" in err
    assert [row["name"] for row in listed(token)] == ["bob"]
    assert token("revoke", "ann") == (1, "", "woshou: there is no token of 'ann'\n")


@pytest.mark.parametrize("arguments, said", [
    ([], "say what to do"),
    (["frob"], "'frob' is not make, list or revoke"),
    (["make"], "make whose?"),
    (["make", "ann", "bob"], "'bob' is one word too many"),
    (["list", "ann"], "'ann' is one word too many"),
    (["revoke"], "revoke whose?"),
    (["make", "ann", "--expires", "soon"], "neither 90d nor"),
    (["make", "ann", "--expires", "2020-01-01"], "is over"),
    (["make", "ann", "--expires", "-3d"], "neither 90d nor"),
    (["list", "--expires", "3d"], "goes with make"),
    (["make", "ann", "--frob"], "no option '--frob'"),
    (["make", ""], "cannot be a name"),
    (["make", "ann lee"], "cannot be a name"),
    (["make", "a\x1b[31mb"], "cannot be a name"),
    (["make", "a\u202eb"], "cannot be a name"),
])
def test_used_wrongly_it_says_so_and_makes_nothing(token, arguments, said):
    status, out, err = token(*arguments)
    assert (status, out) == (2, "")
    assert said in err and "\x1b" not in err and "\u202e" not in err
    assert not token.directory.exists() or listed(token) == []


def test_a_damaged_file_is_told_of_and_left_alone(token):
    token("make", "ann")
    path = token.directory / "tokens"
    path.write_text(path.read_text() + "nonsense\n")
    before = path.read_text()
    for arguments in (["list"], ["make", "bob"], ["revoke", "ann"]):
        status, out, err = token(*arguments)
        assert status == 1 and "line 2 is none of a token's" in err and out == ""
    assert path.read_text() == before


def test_where_things_are_when_nothing_is_said(token, tmp_path):
    home = {"XDG_STATE_HOME": str(tmp_path / "state")}
    assert token("make", "ann", directory=None, **home)[0] == 0
    assert (tmp_path / "state" / "woshou" / "server" / "tokens").exists()
    assert token("make", "ann", directory=None, XDG_STATE_HOME="", HOME=str(tmp_path))[0] == 0
    assert (tmp_path / ".local" / "state" / "woshou" / "server" / "tokens").exists()
    assert token("make", "ann", directory=None, XDG_STATE_HOME="", HOME="")[0] == 1


@pytest.mark.parametrize("locale", [
    {}, {"LC_CTYPE": "C.UTF-8"}, {"LANG": "C"}, {"LC_ALL": "C"}, {"LANG": "no_SUCH.UTF-8"}])
def test_chinese_needs_no_chinese_locale(token, monkeypatch, locale):
    for name in ("LANG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    assert "名字" in token("--help", language="zh_CN", **locale)[1]


def test_in_chinese(token):
    token("make", "ann", language="zh_CN")
    status, out, _ = token("list", language="zh_CN")
    assert status == 0 and "名字" in out
    assert "令牌" in token("--help", language="zh_CN")[1]
