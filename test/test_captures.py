"""woshou scope on captures that others made: against Zeek's own connection log, against tshark, and on
what was made to break readers. The captures are in a folder beside the project and never in it; where
that is absent these tests skip. What may differ, and why, is in doc/scope-differences.md."""

import collections
import concurrent.futures
import csv
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
CAPTURES = ROOT.parent / "shared" / "captures"
DIFFERENCES = ROOT / "doc" / "scope-differences.md"
# All of the captures with tshark take two minutes: in CI. Else it is tried on Zeek's alone.
THOROUGH = os.environ.get("WOSHOU_TEST_THOROUGH") == "1"
PEAK_KIB_MAX = 64 * 1024

pytestmark = pytest.mark.skipif(not CAPTURES.is_dir(),
                                reason="there is no ../shared/captures beside the project")


def listed(title):
    """The rows of the table under a title of the document, without what the columns are called."""
    section = DIFFERENCES.read_text(encoding="utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")]
            for line in section.splitlines() if line.startswith("| ")]
    return rows[1:]


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as executor:
        return list(executor.map(function, items))


def stories(woshou, path):
    ran = subprocess.run([woshou, "scope", "-r", str(path), "--json"], capture_output=True,
                         timeout=60)
    read = [json.loads(line) for line in ran.stdout.decode().splitlines()]
    return sorted(read, key=lambda story: story["id"])


def compare_with_list(found, title):
    """What differs must be what the list says, no row more and none less."""
    found, expected = collections.Counter(found), collections.Counter(
        tuple(row[:-1]) for row in listed(title))
    assert all(row[-1] for row in listed(title)), "a row without a reason"
    unlisted = list((found - expected).elements())
    stale = list((expected - found).elements())
    assert not unlisted, f"these differ and {DIFFERENCES.name} does not say why: {unlisted}"
    assert not stale, f"{DIFFERENCES.name} lists these, which do not differ so: {stale}"


# --- Zeek ---


def endpoint(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def zeek_rows():
    with open(CAPTURES / "zeek" / "expected.tsv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    by_capture = collections.defaultdict(list)
    for row in rows:
        by_capture[row["capture"]].append(
            (endpoint(row["orig_h"], row["orig_p"]), endpoint(row["resp_h"], row["resp_p"]),
             f"{row['conn_state']} {row['history']}"))
    return by_capture


def differences_from_zeek(rows, ours):
    """Rows with no connection of ours that is equal, each with the next of ours between the same
    ends that has no equal row; and the connections that are left over."""
    left, rest = list(ours), []
    for row in rows:
        if row in left:
            left.remove(row)
        else:
            rest.append(row)
    found = []
    for originator, responder, theirs in rest:
        same = [one for one in left if set(one[:2]) == {originator, responder}]
        if same:
            left.remove(same[0])
        found.append((originator, responder, theirs, same[0][2] if same else "-"))
    return found, left


def test_zeek_row_by_row(woshou):
    by_capture = zeek_rows()
    assert sum(map(len, by_capture.values())) == 82
    found = []
    for capture, rows in by_capture.items():
        ours = [(story["client"], story["server"],
                 f"{story['zeek']['conn_state']} {story['zeek']['history']}")
                for story in stories(woshou, CAPTURES / "zeek" / capture)]
        differ, more = differences_from_zeek(rows, ours)
        assert not more, f"{capture}: Zeek has no row for {more}"
        found += [(capture, *one) for one in differ]
    compare_with_list(found, "Zeek's conn_state and history")


# --- tshark ---


def tshark_values(path):
    """By two ports, the completeness of each stream at its last packet."""
    fields = ["tcp.stream", "tcp.completeness", "tcp.srcport", "tcp.dstport"]
    ran = subprocess.run(["tshark", "-2", "-n", "-r", str(path), "-Y", "tcp", "-T", "fields",
                          "-E", "occurrence=a", "-E", "aggregator=;",
                          *[word for field in fields for word in ("-e", field)]],
                         capture_output=True, text=True, errors="replace", timeout=120)
    streams = {}
    for line in ran.stdout.split("\n"):
        if line.count("\t") == 3:
            numbers, values, sources, destinations = (cell.split(";") for cell in line.split("\t"))
            for stream, value, source, destination in zip(numbers, values, sources, destinations):
                if not value:  # what an ICMP error quotes
                    continue
                ports = streams.get(stream, ((source, destination),))[0]
                streams[stream] = (ports, value)
    return by_ports(streams.values())


def scope_values(woshou, path):
    def port(end):
        return end.rsplit(":", 1)[1]
    return by_ports(((port(story["client"]), port(story["server"])),
                     str(story["wireshark"]["completeness"])) for story in stories(woshou, path))


def by_ports(pairs):
    values = collections.defaultdict(list)
    for ports, value in pairs:
        values[" ".join(sorted(ports, key=int))].append(value)
    return values


def differences_from_tshark(woshou, path):
    theirs, ours = tshark_values(path), scope_values(woshou, path)
    name = str(path.relative_to(CAPTURES)) if path.is_relative_to(CAPTURES) else path.name
    return [(name, ports, " ".join(theirs[ports]) or "-", " ".join(ours[ports]) or "-")
            for ports in sorted({*theirs, *ours}) if theirs[ports] != ours[ports]]


def test_tshark_completeness(woshou):
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")
    folders = ["zeek", "tcpdump"] if THOROUGH else ["zeek"]
    paths = [path for folder in folders for path in sorted((CAPTURES / folder).glob("*.pcap*"))]
    found = [one for each in in_parallel(lambda path: differences_from_tshark(woshou, path), paths)
             for one in each]
    title = "Wireshark's completeness"
    if not THOROUGH:
        found += [tuple(row[:-1]) for row in listed(title) if row[0].startswith("tcpdump/")]
    compare_with_list(found, title)


# --- the shorter way ---


def without_events(woshou, path):
    ran = subprocess.run([woshou, "scope", "-r", str(path), "--events"], capture_output=True,
                         timeout=60)
    read = [json.loads(line) for line in ran.stdout.decode().splitlines()]
    return sorted(({key: value for key, value in story.items() if key != "events"}
                   for story in read), key=lambda story: story["id"])


def test_with_events_and_without_the_same_is_said(woshou):
    """A connection whose events are not kept is followed a shorter way while all is in order."""
    folders = ("zeek", "tcpdump") if THOROUGH else ("zeek",)
    paths = sorted(path for folder in folders for path in (CAPTURES / folder).glob("*.pcap*"))
    assert len(paths) > 50
    differing = in_parallel(lambda path: stories(woshou, path) != without_events(woshou, path), paths)
    assert [path.name for path, differs in zip(paths, differing, strict=True) if differs] == []


# --- hostile ---

# A process starts with its parent's peak on its account, so that a small one of our own starts them.
STARTER = """
import json, os, subprocess, sys
for path in sys.argv[2:]:
    with open(os.devnull, "wb") as nowhere:
        program = subprocess.Popen([sys.argv[1], "scope", "-r", path, "--events"], stdout=nowhere,
                                   stderr=subprocess.PIPE)
    said = program.stderr.read().decode(errors="replace")
    program.stderr.close()
    _, status, usage = os.wait4(program.pid, 0)
    program.returncode = os.waitstatus_to_exitcode(status)
    print(json.dumps([usage.ru_maxrss, path, program.returncode, said]))
"""


def read_hostile(woshou, paths):
    """Reads captures with all their events: each one's peak of memory, path, exit status, and what it
    said on standard error."""
    ran = subprocess.run([sys.executable, "-S", "-c", STARTER, woshou, *map(str, paths)],
                         capture_output=True, text=True, timeout=300, check=True)
    return [json.loads(line) for line in ran.stdout.splitlines()]


def test_hostile_captures_break_nothing_and_stay_small(woshou):
    paths = sorted((CAPTURES / "tcpdump").glob("*.pcap*"))
    assert len(paths) > 800
    shares = [paths[first::os.cpu_count()] for first in range(os.cpu_count())]
    for share in in_parallel(lambda some: read_hostile(woshou, some), shares):
        for peak_kib, path, status, said in share:
            assert status in (0, 1), f"{path}: status {status}: {said}"
            assert len(said.splitlines()) <= 1, f"{path}: {said}"
            assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", said), f"{path}: {said!r}"
            assert peak_kib < PEAK_KIB_MAX, f"{path} took {peak_kib} KiB"
