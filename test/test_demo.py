"""woshou demo, as a user runs it and as a program reads it: real hosts, real kernels."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import pytest

STATES_OF_THE_CLOSE = {
    "client": ["CLOSE_WAIT", "LAST_ACK", "CLOSED"],
    "server": ["FIN_WAIT_1", "TIME_WAIT"],
}


def run(woshou, *arguments, **more):
    return subprocess.run([woshou, "demo", *arguments], capture_output=True, text=True,
                          timeout=60, **more)


@pytest.fixture(scope="module")
def demo(woshou, tmp_path_factory):
    """One run with two hosts of its own; what it printed and where its page is."""
    out = tmp_path_factory.mktemp("demo")
    ran = run(woshou, "--json", "--out", str(out))
    assert ran.returncode == 0, ran.stderr
    if "loopback" in ran.stderr or "Neither hosts" in ran.stderr:
        pytest.skip(f"no hosts of our own here: {ran.stderr.strip()}")
    return [json.loads(line) for line in ran.stdout.splitlines()], out


@pytest.fixture(scope="module")
def stories(demo):
    return demo[0]


@pytest.fixture(scope="module")
def hello(stories):
    return stories[0]


def events(story, what, **wanted):
    return [event for event in story["events"]
            if event["what"] == what and all(event[k] == v for k, v in wanted.items())]


def returned(story, place, name):
    return events(story, "call", place=place, name=name, phase="return")[0]


def test_five_connections_hello_three_refused(stories):
    assert [story["id"] for story in stories] == [1, 2, 3, 4, 5]
    assert [story["open"] for story in stories] == ["three-way"] * 4 + ["refused"]


def test_the_handshake_is_syn_syn_ack_ack_with_their_numbers(hello):
    syn, syn_ack, ack = events(hello, "packet")[:3]
    assert (syn["flags"], syn["from"], syn["seq"], syn["ack"]) == ("SYN", "client", 0, None)
    assert (syn_ack["flags"], syn_ack["from"], syn_ack["seq"], syn_ack["ack"]) == \
        ("SYN ACK", "server", 0, 1)
    assert (ack["flags"], ack["from"], ack["seq"], ack["ack"]) == ("ACK", "client", 1, 1)
    for packet in (syn, syn_ack, ack):
        assert packet["sent_ns"] < packet["received_ns"]
        assert packet["fate"] == "delivered"


def test_connect_returns_behind_the_syn_ack_and_before_accept(hello):
    syn_ack = events(hello, "packet", flags="SYN ACK")[0]
    connect, accept = returned(hello, "client", "connect"), returned(hello, "server", "accept")
    assert connect["result"] == "0"
    assert syn_ack["received_ns"] < connect["t_ns"] < accept["t_ns"]


def test_every_state_of_the_opening_and_the_close_was_observed(hello):
    for place, expected in {
        "client": ["SYN_SENT", "ESTABLISHED"] + STATES_OF_THE_CLOSE["client"],
        "server": ["LISTEN", "SYN_RECEIVED", "ESTABLISHED"] + STATES_OF_THE_CLOSE["server"],
    }.items():
        seen = [e["state"] for e in events(hello, "state", place=place)]
        assert [state for state in seen if state in expected] == expected
    assert {e["standing"] for e in events(hello, "state")} == {"observed"}


def test_the_side_that_closed_first_waits_in_time_wait(hello):
    assert hello["closed_first"] == "server"
    assert hello["close"] in ("three-segment", "four-segment")
    assert hello["server_state"] == "TIME_WAIT"
    assert hello["client_state"] == "CLOSED"


def test_hello_is_twelve_bytes(hello):
    assert hello["server_bytes"] == 12
    assert hello["zeek"] == {"conn_state": "SF", "history": "ShAdDafF"}
    assert hello["wireshark"] == {"completeness": 31}


def test_three_connections_one_server_address_three_client_ports(stories):
    three = stories[1:4]
    assert len({story["server"] for story in three}) == 1
    assert len({story["client"] for story in three}) == 3
    assert len({story["client"].rsplit(":", 1)[0] for story in three}) == 1
    # All three are open at once: the last is accepted before the first closes.
    last_accepted = max(returned(story, "server", "accept")["t_ns"] for story in three)
    first_fin = min(e["sent_ns"] for story in three for e in events(story, "packet")
                    if "FIN" in e["flags"])
    assert last_accepted < first_fin


def test_nobody_listens_connect_fails_with_econnrefused(stories):
    refused = stories[4]
    assert refused["close"] == "none"
    assert returned(refused, "client", "connect")["result"] == "ECONNREFUSED"
    assert events(refused, "packet")[1]["flags"] == "RST ACK"


def test_events_are_in_the_order_of_their_times(stories):
    for story in stories:
        times = [event["t_ns"] for event in story["events"]]
        assert times == sorted(times)


def test_packets_travel_as_long_as_the_wire(woshou, tmp_path):
    ran = run(woshou, "--json", "--delay", "5")
    first = json.loads(ran.stdout.splitlines()[0])
    if not events(first, "packet"):
        pytest.skip("no packets to be seen here")
    times = [e["received_ns"] - e["sent_ns"] for e in events(first, "packet")]
    assert min(times) >= 5_000_000
    assert not (tmp_path / "demo.html").exists()


def test_the_page_stands_alone(demo):
    page = (demo[1] / "demo.html").read_text()
    assert "握手" in page and "TIME_WAIT" in page
    assert not re.search(r'(src|href)="(?!#)', page)
    assert "<script" not in page


def test_ladders_in_80_columns_and_ascii(woshou, tmp_path):
    ran = run(woshou, "--ascii", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    ladder = [line for line in ran.stdout.splitlines() if "/demo.html" not in line]
    assert all(len(line) <= 80 for line in ladder), max(ladder, key=len)
    assert "\033" not in ran.stdout
    assert all(ord(c) < 128 for line in ladder for c in line if "ACK" in line)
    assert ran.stdout.rstrip().splitlines()[-1].endswith(str(tmp_path / "demo.html"))


def test_it_speaks_chinese(woshou, tmp_path):
    ran = run(woshou, "--lang", "zh", "--out", str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    assert "三次握手" in ran.stdout
    assert "客户端" in ran.stdout


def test_colour_only_on_a_terminal_and_not_against_the_users_will(woshou, tmp_path):
    def on_a_terminal(environment):
        leader, follower = pty.openpty()
        process = subprocess.Popen([woshou, "demo", "--out", str(tmp_path)], stdout=follower,
                                   stderr=follower, stdin=follower,
                                   env={**os.environ, "TERM": "xterm", **environment})
        os.close(follower)
        shown = b""
        while select.select([leader], [], [], 30)[0]:
            try:
                more = os.read(leader, 65536)
            except OSError:
                break
            if not more:
                break
            shown += more
        os.close(leader)
        assert process.wait(timeout=30) == 0
        return shown

    assert b"\033[" in on_a_terminal({"NO_COLOR": ""})
    assert b"\033[" not in on_a_terminal({"NO_COLOR": "1"})


def namespaces_of(pid):
    """The network namespaces that a process is in or holds."""
    found = set()
    for link in [*pathlib.Path(f"/proc/{pid}").glob("task/*/ns/net"),
                 *pathlib.Path(f"/proc/{pid}").glob("fd/*")]:
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("net:["):
            found.add(target)
    return found


def network_namespaces():
    """Those of all processes here."""
    return set().union(*(namespaces_of(process.name) for process in
                         pathlib.Path("/proc").glob("[0-9]*")))


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_in_the_middle_nothing_is_left_behind(woshou, tmp_path, how):
    ours, devices = namespaces_of("self"), set(os.listdir("/sys/class/net"))
    process = subprocess.Popen([woshou, "demo", "--delay", "200", "--out", str(tmp_path)],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for line in process.stdout:
        if "SYN_SENT" in line or "ESTABLISHED" in line:
            break
    made = namespaces_of(process.pid) - ours
    process.send_signal(how)
    process.stdout.read()
    status = process.wait(timeout=10)
    assert status == (-signal.SIGKILL if how == signal.SIGKILL else 1)
    if how != signal.SIGKILL:
        assert process.stderr.read().strip()
    assert not network_namespaces() & made
    assert set(os.listdir("/sys/class/net")) == devices
    assert not list(tmp_path.iterdir())
    if not made:
        pytest.skip("no hosts of our own here")


@pytest.mark.parametrize("kind", ["tun", "veth", "capture", "calls"])
def test_each_kind_of_wire_shows_what_it_can_and_says_what_not(woshou, tmp_path, kind):
    ran = run(woshou, "--wire", kind, "--json", "--out", str(tmp_path))
    if ran.returncode != 0:
        assert ran.returncode == 1
        assert len(ran.stderr.strip().splitlines()) == 1
        pytest.skip(f"not to be had here: {ran.stderr.strip()}")
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    assert returned(found[0], "client", "connect")["result"] == "0"
    assert found[-1]["open"] == "refused"
    if kind in ("tun", "veth"):
        assert len(found) == 5
        assert {e["standing"] for story in found for e in events(story, "state")} == {"observed"}
    else:
        assert "loopback" in ran.stderr or "Neither hosts" in ran.stderr
        assert bool(events(found[0], "packet")) == (kind == "capture")
    page = (tmp_path / "demo.html").read_text()
    assert ("captured" in page) == (kind == "capture")


@pytest.mark.parametrize("arguments, sentence", [
    (["--delay", "soon"], "--delay takes"),
    (["--delay", "-1"], "--delay takes"),
    (["--lang", "tlh"], "--lang takes en or zh"),
    (["--wire", "string"], "--wire takes"),
    (["--nonsense"], "no option"),
    (["--out"], "needs a value"),
    (["hello"], "takes no argument"),
])
def test_wrong_arguments_one_sentence_and_status_2(woshou, arguments, sentence):
    ran = run(woshou, *arguments, env={**os.environ, "LANGUAGE": "en"})
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert sentence in ran.stderr.splitlines()[0]
    assert len(ran.stderr.splitlines()) == 2


def test_a_page_that_cannot_be_written_is_an_error(woshou, tmp_path):
    (tmp_path / "file").write_text("")
    ran = run(woshou, "--json", "--out", str(tmp_path / "file"))
    assert ran.returncode == 1
    assert len(ran.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("arguments", [["demo"], ["demo", "--json"], ["demo", "--help"], ["--help"],
                                       ["--version"], ["serve", "--help"], ["hello", "-h"]])
def test_output_that_nobody_reads_is_an_error_and_no_crash(woshou, tmp_path, arguments):
    with open("/dev/full", "w") as full:
        ran = subprocess.run([woshou, *arguments], stdout=full, stderr=subprocess.PIPE,
                             text=True, timeout=60, cwd=tmp_path)
    assert ran.returncode == 1
    assert "standard output" in ran.stderr or "标准输出" in ran.stderr
    assert ran.stderr.strip().count("\n") <= 1  # demo may have said what kind of wire it had to take


def test_help_for_the_program_and_every_verb(woshou):
    top = subprocess.run([woshou, "--help"], capture_output=True, text=True)
    assert top.returncode == 0
    verbs = re.findall(r"^  (\w+) ", top.stdout, re.M)
    assert {"demo", "serve", "hello"} <= set(verbs)
    for verb in verbs:
        ran = subprocess.run([woshou, verb, "--help"], capture_output=True, text=True)
        assert ran.returncode == 0 and f"woshou {verb}" in ran.stdout and not ran.stderr
    assert subprocess.run([woshou], capture_output=True).returncode == 2
    assert subprocess.run([woshou, "frobnicate"], capture_output=True).returncode == 2
