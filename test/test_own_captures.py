"""woshou scope on the project's own captures, test/captures: each a case of its own, played by two real
kernels over a wire of ours (make captures plays them anew). What it must say is written here case by
case; all the rest that it says is kept in test/golden/captures (make golden writes it anew)."""

import difflib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from test_captures import differences_from_tshark

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE / "golden" / "captures"

# open, close, who closed first, who reset, anomalies with their packets; of every connection.
PLAIN = ("three-way", "three-segment")
CASES = {
    "three-segment": [(*PLAIN, "server", None, {})],
    "four-segment": [("three-way", "four-segment", "client", None, {})],
    "refused": [("refused", "none", None, None, {})],
    "refused-by-icmp": [("refused", "none", None, None, {})],
    "unreachable": [("unreachable", "none", None, None, {})],
    "no-answer": [("no-answer", "none", None, None, {"syn-retransmitted": [2, 3, 4, 5, 6]})],
    "half-open": [("half-open", "none", None, None, {"synack-retransmitted": [3]})],
    "aborted": [("aborted", "none", None, "client", {})],
    "syn-lost": [(*PLAIN, "server", None, {"syn-retransmitted": [2]})],
    "synack-lost": [(*PLAIN, "server", None,
                     {"syn-retransmitted": [3], "synack-retransmitted": [4, 6]})],
    "data-lost": [(*PLAIN, "client", None, {"data-retransmitted": [5]})],
    "fin-lost": [(*PLAIN, "server", None, {"fin-retransmitted": [7]})],
    "simultaneous-open": [("simultaneous", "still-open", None, None, {})],
    "simultaneous-close": [("three-way", "simultaneous", "both", None, {})],
    "half-close": [("three-way", "half-closed", "client", None, {})],
    "reset-by-client": [("three-way", "reset", None, "client", {})],
    "reset-by-server": [("three-way", "reset", None, "server", {})],
    "rst-ignored": [(*PLAIN, "server", None, {"rst-ignored": [6]})],
    "challenge-ack": [(*PLAIN, "server", None, {"rst-ignored": [6], "challenge-ack": [7, 11]})],
    "duplicated": [(*PLAIN, "client", None, {"data-retransmitted": [6]})],
    "keepalive": [("three-way", "reset", None, "client", {"keepalive-unanswered": [8, 9]})],
    "zero-window": [(*PLAIN, "client", None, {"zero-window": [9, 11]})],
    "reuse": [(*PLAIN, "server", None, {}), (*PLAIN, "server", None, {"four-tuple-reused": [9]})],
    "fast-open": [(*PLAIN, "client", None, {}), ("fast-open", "three-segment", "client", None, {})],
    "wrap-around": [(*PLAIN, "client", None, {})],
    "paws": [(*PLAIN, "client", None, {"paws-rejected": [6]})],
    "middle": [("not-seen", "three-segment", "client", None, {})],
    "gap": [(*PLAIN, "client", None, {"sequence-gap": [4]})],
    "syn-ack-first": [(*PLAIN, "server", None, {"captured-out-of-order": [2]})],
    "any": [(*PLAIN, "client", None, {"captured-twice": [2, 4, 6, 8, 10, 12, 14, 16]})],
}
CAPTURES = sorted((HERE / "captures").glob("*.pcap*"))


def scope(woshou, path):
    ran = subprocess.run([woshou, "scope", "-r", str(path), "--json"], capture_output=True,
                         timeout=60)
    assert (ran.returncode, ran.stderr) == (0, b"")
    return sorted((json.loads(line) for line in ran.stdout.decode().splitlines()),
                  key=lambda story: story["id"])


def test_every_case_has_its_capture():
    assert sorted(CASES) == sorted(path.stem for path in CAPTURES)


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_case(woshou, path):
    said = [(story["open"], story["close"], story["closed_first"], story["reset_by"],
             {anomaly["what"]: anomaly["packets"] for anomaly in story["anomalies"]})
            for story in scope(woshou, path)]
    assert said == CASES[path.stem]


@pytest.mark.parametrize("path", CAPTURES, ids=lambda path: path.stem)
def test_golden(woshou, path):
    golden = GOLDEN / f"{path.stem}.json"
    said = json.dumps(scope(woshou, path), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("WOSHOU_UPDATE_GOLDEN") == "1":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(said, encoding="utf-8")
    kept = golden.read_text(encoding="utf-8") if golden.exists() else ""
    assert said == kept, "\n".join(difflib.unified_diff(kept.splitlines(), said.splitlines(),
                                                        str(golden), "said", lineterm=""))


def test_tshark_completeness(woshou):
    if not shutil.which("tshark"):
        pytest.skip("tshark is not installed")
    found = [one for path in CAPTURES for one in differences_from_tshark(woshou, path)]
    # Wireshark takes every SYN of another number for another conversation. This one was answered by
    # a challenge ACK, and the connection went on.
    assert found == [("challenge-ack.pcap", "30001 40001", "47 29", "63")]
