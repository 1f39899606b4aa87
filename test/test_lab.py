"""woshou lab, as a user runs it and as a program reads it: every experiment on the real kernel, and
every sabotage of it."""

import collections
import html.parser
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import time

import pytest

from conftest import PATIENCE, eventually

EXPERIMENTS = 22
GOLDEN = pathlib.Path(__file__).resolve().parent / "golden" / "lab"

OWN = """\
experiment my-own
title en: Mine
claim en: A port where nobody listens is refused.

client connect
expect client SYN seq=j
expect server RST ACK ack=j+1
expect client connect = ECONNREFUSED at once

sabotage somebody
title en: Somebody listens
with server listen
"""


def lab(woshou, *arguments, timeout=300, **more):
    return subprocess.run([woshou, "lab", *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, **more)


@pytest.fixture(scope="module")
def hosts(woshou):
    """Skips where two hosts of our own cannot be had."""
    ran = lab(woshou, "four-way-close", "--json")
    if "no experiment can run here" in ran.stderr:
        pytest.skip(ran.stderr.strip())
    return ran


@pytest.fixture(scope="module")
def everything(woshou, hosts, tmp_path_factory):
    """All experiments, run once, side by side; and where their captures are."""
    out = tmp_path_factory.mktemp("lab")
    began = time.monotonic()
    ran = lab(woshou, "all", "--json", "--pcap", out / "pcap", "--html", out / "book")
    took = time.monotonic() - began
    results = {result["experiment"]: result for result in map(json.loads, ran.stdout.splitlines())}
    return ran, results, out, took


def evidence(result):
    return [one for part in result["parts"] for one in part["evidence"]]


def test_every_experiment_comes_out_as_it_expects_of_this_kernel(everything):
    ran, results, _, _ = everything
    assert len(results) == EXPERIMENTS
    wrong = {name: (result["outcome"], result["reason"]) for name, result in results.items()
             if not result["as_expected"]}
    assert not wrong
    assert ran.returncode == 0, ran.stderr


def test_they_are_in_the_order_of_their_numbers(everything):
    numbers = [json.loads(line)["number"] for line in everything[0].stdout.splitlines()]
    assert numbers == list(range(1, EXPERIMENTS + 1))


def test_all_evidence_holds_and_points_at_what_was_seen(everything):
    for name, result in everything[1].items():
        for one in evidence(result):
            assert one["holds"] is True, (name, one)
        for part in result["parts"]:
            for one in part["evidence"]:
                if one["packet"]:
                    story = part["connections"][one["connection"] - 1]
                    assert any(event["what"] == "packet" and event["number"] == one["packet"]
                               for event in story["events"]), (name, one)


def test_evidence_that_comes_in_turn_is_in_the_order_of_time(everything):
    for name, result in everything[1].items():
        for part in result["parts"]:
            times = [one["t_ns"] for one in part["evidence"]
                     if one["packet"] and not re.match(r"no |never |\d+ time", one["predicate"])]
            assert times == sorted(times), name


def test_all_of_them_take_less_than_two_minutes(everything):
    assert everything[3] < 120


def test_each_host_s_packets_are_a_capture(woshou, everything):
    """What scope makes of the client's capture is what the wire saw."""
    _, results, out, _ = everything
    names = {path.name for path in (out / "pcap").iterdir()}
    assert {"four-way-close-client.pcapng", "four-way-close-server.pcapng",
            "resets-linger-client.pcapng"} <= names
    read = subprocess.run([woshou, "scope", "-r", out / "pcap" / "four-way-close-client.pcapng",
                           "--json"], capture_output=True, text=True, timeout=PATIENCE)
    story = json.loads(read.stdout.splitlines()[0])
    seen = results["four-way-close"]["parts"][0]["connections"][0]
    for field in ("client", "server", "open", "close", "closed_first", "packets"):
        assert story[field] == seen[field], field


def number_of(number):
    """Numbers are relative; a server that answers twice has a first number of its own each time."""
    return "another" if number is not None and number > 1 << 20 else number


def what_happened(result):
    """The packets that each end sent and the states it went through, without times."""
    lines = []
    for part in result["parts"]:
        for index, story in enumerate(part["connections"], 1):
            for end in ("client", "server"):
                lines.append(f"{part['part'] or 'it'} {index} {end}")
                for event in story["events"]:
                    if event["what"] == "packet" and event["from"] == end:
                        lines.append(f"  {event['flags']} seq={number_of(event['seq'])} "
                                     f"ack={number_of(event['ack'])} bytes={event['bytes']} {event['fate']}")
                lines.append("  " + " ".join(event["state"] for event in story["events"]
                                             if event["what"] == "state" and event["place"] == end))
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("name", [
    "handshake-in-connect", "old-duplicate-syn", "two-way-handshake", "simultaneous-open",
    "simultaneous-close", "four-way-close", "three-segment-close", "half-close", "reuseaddr", "resets",
    "one-port-many-connections"])
def test_what_happens_is_the_same_every_time(everything, name):
    golden = GOLDEN / f"{name}.txt"
    happened = what_happened(everything[1][name])
    if os.environ.get("WOSHOU_UPDATE_GOLDEN"):
        golden.write_text(happened)
    assert happened == golden.read_text()


# --- The book ---


class Page(html.parser.HTMLParser):
    """What a page refers to, and what it has."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.links, self.tags, self.loads = [], [], collections.Counter(), []
        self.text = path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags[tag] += 1
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.links += [attributes["href"]] if tag == "a" else []
        self.loads += [value for name, value in attributes.items()
                       if name in ("src", "srcset", "data", "action") or (name == "href" and tag != "a")]


@pytest.fixture(scope="module")
def book(everything):
    return {path.stem: Page(path) for path in (everything[2] / "book").iterdir()}


def test_the_book_has_an_index_and_a_page_an_experiment(everything, book):
    assert set(book) == {"index", *everything[1]}


def test_its_pages_load_nothing_and_run_nothing(book):
    for name, page in book.items():
        assert not page.loads and not page.tags["script"] and not page.tags["link"], name
        assert "default-src 'none'" in page.text, name


def test_every_link_leads_somewhere_and_every_id_is_one(book):
    for name, page in book.items():
        assert len(page.ids) == len(set(page.ids)), name
        for link in page.links:
            file, _, anchor = link.partition("#")
            target = book[file.removesuffix(".html")] if file else page
            assert not anchor or anchor in target.ids, (name, link)


def test_evidence_and_its_row_lead_to_each_other(book):
    page = book["lost-syn"]
    for language in ("l0", "l1"):
        assert f"#p1-{language}-e2" in page.links
        assert f"#p1-{language}-e2-row" in page.links


def test_the_first_chapter_is_the_article_and_each_of_its_claims_was_tried(book):
    page = book["index"]
    assert page.text.count('<li class="holds">') == 9
    assert page.text.count('<li class="partly">') == 7
    assert page.text.count('<li class="fails">') == 1
    assert '<li class="open">' not in page.text
    assert "可以两次握手吗? 当然不可以" in page.text and "Would two segments do?" in page.text


def test_a_page_speaks_both_languages_and_says_how_to_repeat_it(book):
    page = book["four-way-close"]
    for words in ("A connection is two streams", "一个连接是两条数据流", "woshou lab four-way-close --pcap",
                  "server close\n", "FIN ACK", "Every event, as a table", "以表格列出每一个事件"):
        assert words in page.text, words


def test_a_book_of_some_links_only_those(woshou, hosts, tmp_path):
    assert lab(woshou, "8", "9", "--html", tmp_path / "book").returncode == 0
    pages = {path.stem: Page(path) for path in (tmp_path / "book").iterdir()}
    assert set(pages) == {"index", "simultaneous-open", "simultaneous-close"}
    for page in pages.values():
        for link in page.links:
            assert link.partition("#")[0].removesuffix(".html") in {"", *pages}
    assert '<li class="open">' in pages["index"].text


def test_a_folder_that_cannot_be_made_is_told(woshou, hosts, tmp_path):
    ran = lab(woshou, "8", "--html", tmp_path / "none" / "book")
    assert ran.returncode == 1
    assert "no such file or directory" in ran.stderr


# --- Spoilt ---


def test_every_sabotage_makes_its_claim_come_out_otherwise(woshou, hosts):
    ran = lab(woshou, "all", "--sabotage", "--json")
    spoilt = [json.loads(line) for line in ran.stdout.splitlines()]
    assert {one["number"] for one in spoilt} == set(range(1, EXPERIMENTS + 1))
    wrong = {(one["experiment"], one["sabotage"]): one["outcome"] for one in spoilt
             if not one["as_expected"] or one["outcome"] == "supported"}
    assert not wrong
    assert all(one["reason"] for one in spoilt)
    assert ran.returncode == 0


# --- One's own experiment ---


def test_one_s_own_script_is_an_experiment_like_any_other(woshou, hosts, tmp_path):
    script = tmp_path / "mine.lab"
    script.write_text(OWN)
    ran = lab(woshou, script, "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["outcome"] == "supported"
    ran = lab(woshou, script, "--sabotage")
    assert ran.returncode == 0
    assert "contradicted" in ran.stdout


def test_a_claim_that_does_not_hold_is_contradicted_and_the_status_says_so(woshou, hosts, tmp_path):
    script = tmp_path / "wrong.lab"
    script.write_text(OWN.replace("client connect\n", "server listen\nclient connect\n", 1))
    ran = lab(woshou, script)
    assert ran.returncode == 1
    assert "contradicted: line 8, “server RST ACK ack=j+1”: it never came" in ran.stdout


def test_what_cannot_be_done_is_not_provoked_and_says_why(woshou, hosts, tmp_path):
    script = tmp_path / "no.lab"
    script.write_text(OWN.replace("client connect\n", "setting client tcp_nothing 1\n", 1))
    ran = lab(woshou, script)
    assert ran.returncode == 1
    assert "not provoked: line 5: this kernel has no setting net.ipv4.tcp_nothing" in ran.stdout


def test_a_requirement_that_fails_is_not_the_claim_s_fault(woshou, hosts, tmp_path):
    script = tmp_path / "require.lab"
    script.write_text(OWN.replace("client connect\n", "client connect\nrequire server FIN within 100 ms\n", 1))
    ran = lab(woshou, script, "--json")
    assert json.loads(ran.stdout)["outcome"] == "not-provoked"


def test_errors_in_a_script_name_line_and_column(woshou, tmp_path):
    script = tmp_path / "bad.lab"
    script.write_text(OWN.replace("ECONNREFUSED at once", "ECONNREFUSED at last"))
    ran = lab(woshou, script)
    assert ran.returncode == 1
    assert ran.stderr == f"woshou: {script}:8:41: expected 'once', not 'last'\n"


def test_what_a_script_holds_is_never_shown_raw(woshou, tmp_path):
    script = tmp_path / "esc.lab"
    script.write_text("experiment \033[31mred\n")
    ran = lab(woshou, script)
    assert "\033" not in ran.stderr + ran.stdout


# --- As it is used ---


def test_an_unknown_name_suggests_the_nearest(woshou):
    ran = lab(woshou, "lost-sin")
    assert ran.returncode == 2
    assert "did you mean 'lost-syn'?" in ran.stderr
    ran = lab(woshou, "\033[2Jxx")
    assert ran.returncode == 2
    assert "\033" not in ran.stderr


@pytest.mark.parametrize("arguments, words", [
    ([], "which experiment?"),
    (["all", "2"], "'all' stands alone"),
    (["2", "--delay", "soon"], "--delay takes 1 to 20"),
    (["2", "--wire", "capture"], "--wire takes best, tun or veth"),
    (["2", "--jobs", "0"], "--jobs takes 1 to 64"),
    (["2", "--step", "--json"], "exclude each other"),
])
def test_wrong_use_is_told_in_one_sentence(woshou, arguments, words):
    ran = lab(woshou, *arguments)
    assert ran.returncode == 2
    assert words in ran.stderr


def test_a_script_that_is_not_there_is_told(woshou, tmp_path):
    ran = lab(woshou, tmp_path / "none.lab")
    assert ran.returncode == 1
    assert "no such file" in ran.stderr


def test_list_names_all_and_quick_only_what_is_over_at_once(woshou):
    listed = lab(woshou, "list").stdout.splitlines()
    quick = lab(woshou, "list", "--quick").stdout.splitlines()
    assert len(listed) == EXPERIMENTS
    assert 5 <= len(quick) < EXPERIMENTS
    assert set(quick) < set(listed)
    assert "丢失的 SYN 会被重发" in lab(woshou, "list", "--lang", "zh").stdout


def test_a_result_is_shown_with_claim_ladder_evidence_and_meaning(woshou, hosts):
    ran = lab(woshou, "10", env={**os.environ, "COLUMNS": "80"})
    text = ran.stdout
    for words in ("Claim: Closed by the client first", "FIN ACK seq=j+1 ack=k+1", "LAST_ACK",
                  "✓ client TIME_WAIT", "supported (", "A connection is two streams"):
        assert words in text, words
    assert all(len(line) <= 80 for line in text.splitlines() if "│" in line)
    ascii_only = lab(woshou, "10", "--ascii").stdout
    assert all(ord(char) < 128 for line in ascii_only.splitlines() if "|" in line for char in line)


def test_the_same_in_chinese(woshou, hosts):
    text = lab(woshou, "10", "--lang", "zh").stdout
    for words in ("断言：", "证据", "成立", "一个连接是两条数据流"):
        assert words in text, words
    assert "Claim" not in text and "supported" not in text


def test_step_shows_packet_after_packet(woshou, hosts):
    with subprocess.Popen([woshou, "lab", "10", "--step"], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as step:
        shown = ""
        while "SYN seq=j" not in shown:
            shown += step.stdout.readline()
        rest, _ = step.communicate("\n\nq\n", timeout=PATIENCE)
    assert "SYN ACK" in rest
    assert "TIME_WAIT" not in rest, "q ends it"


def test_a_plain_user_s_user_namespace_is_enough(woshou, hosts):
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become somebody else")
    ran = lab(woshou, "10", "16", "--json", preexec_fn=lambda: os.setuid(65534),
              env={**os.environ, "HOME": "/"})
    if "no experiment can run here" in ran.stderr:
        pytest.skip(ran.stderr.strip())
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_veth_pairs_show_the_same(woshou, hosts):
    ran = lab(woshou, "1", "6", "8", "11", "--json", "--wire", "veth")
    if "no experiment can run here" in ran.stderr:
        pytest.skip(ran.stderr.strip())
    results = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [one["outcome"] for one in results] == ["supported"] * 4
    assert {one["wire"] for one in results} == {"veth"}


def test_ctrl_c_ends_all_of_it_and_leaves_nothing(woshou, hosts, start):
    program = start(woshou, "lab", "time-wait", "fin-wait-2-timer")
    children = lambda: pathlib.Path(
        f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()
    eventually(lambda: len(children()) == 2, "two experiments side by side")
    pids = children()
    assert program.stopped() == 1
    assert "nothing was left behind" in "".join(program.err.rest())
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pids),
               "the children's end")
