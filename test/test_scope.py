"""woshou scope on captures that the tests make, on a live interface, and on bad input."""

import csv
import gzip
import io
import json
import os
import shutil
import signal
import subprocess
import xml.etree.ElementTree

import pytest

from packets import conversation, pcap, refused, segment

FRAMES = conversation(40001) + refused(40002) + conversation(40003, close=False)


@pytest.fixture
def capture(tmp_path):
    path = tmp_path / "three.pcap"
    path.write_bytes(pcap(FRAMES))
    return path


def scope(woshou, *arguments, **more):
    return subprocess.run([woshou, "scope", *map(str, arguments)], capture_output=True,
                          timeout=60, **more)


def lines(ran):
    return [json.loads(line) for line in ran.stdout.decode().splitlines()]


# --- what is printed ---


def test_a_table_and_a_summary(woshou, capture):
    ran = scope(woshou, "-r", capture)
    assert ran.returncode == 0 and ran.stderr == b""
    table, summary, *advice = ran.stdout.decode().split("\n\n")
    rows = [row.split() for row in table.splitlines()]
    assert rows[0][:6] == ["id", "client", "server", "open", "close", "who"]
    assert [row[:5] for row in rows[1:]] == [
        ["1", "10.0.0.1:40001", "10.0.0.2:80", "three-way", "three-segment"],
        ["2", "10.0.0.1:40002", "10.0.0.2:81", "refused", "none"],
        ["3", "10.0.0.1:40003", "10.0.0.2:80", "three-way", "still-open"]]
    assert "3 connections, 15 packets" in summary
    assert "opened: 2 three-way, 1 refused" in summary
    assert "refuse: 10.0.0.2:81 (1)" in summary
    assert advice[0] == "What went wrong, and what to check:"
    assert advice[1].startswith("1 refused: connection 2 (packets 9, 10)\n  Nothing listens")


def test_no_summary_is_the_table_alone(woshou, capture):
    out = scope(woshou, "-r", capture, "--no-summary").stdout.decode()
    assert len(out.splitlines()) == 4 and "went wrong" not in out


def test_ascii_is_ascii(woshou, tmp_path):
    path = tmp_path / "quick.pcap"
    path.write_bytes(pcap(FRAMES, step_us=3))
    for which in ([], ["--ladder", "1"], ["--ladder", "2"]):
        shown = scope(woshou, "-r", path, "--ascii", *which).stdout
        assert shown.isascii() and shown, shown
    assert "µs" in scope(woshou, "-r", path).stdout.decode()


def test_json_has_the_keys_and_the_truth(woshou, capture):
    ran = scope(woshou, "-r", capture, "--json")
    stories = {story["id"]: story for story in lines(ran)}
    first = stories[1]
    assert (first["client_bytes"], first["server_bytes"], first["packets"]) == (5, 6, 8)
    assert first["handshake_ns"] == 2_000_000
    assert first["zeek"] == {"conn_state": "SF", "history": "ShADdFf"}
    assert first["wireshark"] == {"completeness": 31}
    assert first["evidence"] == [1, 2, 3, 6, 7, 8]
    assert first["standing"] == "inferred" and first["client_state"] == "TIME_WAIT"
    assert stories[2]["evidence"] == [9, 10]


def test_events_are_the_packets_and_states(woshou, capture):
    first = lines(scope(woshou, "-r", capture, "--events"))[0]
    packets = [event["number"] for event in first["events"] if event["what"] == "packet"]
    assert packets == list(range(1, 9))
    states = [event["state"] for event in first["events"]
              if event["what"] == "state" and event["place"] == "client"]
    assert states == ["SYN_SENT", "ESTABLISHED", "FIN_WAIT_1", "TIME_WAIT"]


def test_json_says_why_and_what_next(woshou, capture):
    stories = {story["id"]: story for story in lines(scope(woshou, "-r", capture, "--json"))}
    assert stories[2]["why"].endswith("answered the SYN with RST at once (packets 9, 10)")
    assert "ss -ltn" in stories[2]["next"] and stories[1]["next"] is None
    chinese = {story["id"]: story
               for story in lines(scope(woshou, "-r", capture, "--json", "--lang", "zh"))}
    assert chinese[2]["open"] == "refused" and "ss -ltn" in chinese[2]["next"]
    assert "拒绝" in chinese[2]["why"]


def test_csv(woshou, capture):
    rows = list(csv.DictReader(io.StringIO(scope(woshou, "-r", capture, "--csv").stdout.decode())))
    assert [(row["id"], row["open"]) for row in rows] == [("1", "three-way"), ("2", "refused"),
                                                         ("3", "three-way")]
    assert rows[0]["client_bytes"] == "5"


def test_one_connections_ladder_picture_and_diagram(woshou, capture):
    ladder = scope(woshou, "-r", capture, "--ladder", 2).stdout.decode()
    assert "SYN seq=j" in ladder and "RST ACK" in ladder and "refused" in ladder
    picture = scope(woshou, "-r", capture, "--svg", 1).stdout
    assert xml.etree.ElementTree.fromstring(picture).tag.endswith("svg")
    diagram = scope(woshou, "-r", capture, "--mermaid", 1).stdout.decode()
    assert diagram.startswith("sequenceDiagram\n") and "client->>server: #35;1 SYN seq=j" in diagram


def test_a_page(woshou, capture, tmp_path):
    page = tmp_path / "page.html"
    assert scope(woshou, "-r", capture, "--html", page).returncode == 0
    text = page.read_text()
    assert "10.0.0.1:40002" in text and "refused" in text and "<script" not in text
    assert "拒绝" in text  # both languages are there


def test_a_page_has_the_table_and_what_to_check(woshou, capture, tmp_path):
    page = tmp_path / "page.html"
    assert scope(woshou, "-r", capture, "--html", page).returncode == 0
    text = page.read_text()
    assert '<a href="#c2">2</a>' in text and '<section id="c2">' in text
    assert "1 refused: connection 2 (packets 9, 10)" in text and "ss -ltn" in text
    assert scope(woshou, "-r", capture, "--html", page, "--where", "open=refused",
                 "--top", 1).returncode == 0
    text = page.read_text()
    assert '<a href="#c2">2</a>' in text and "40001" not in text


def test_a_page_of_thousands_is_bounded_and_says_so(woshou, tmp_path):
    frames = [frame for port in range(10000, 13000) for frame in refused(port)]
    frames += conversation(40001)
    path, page = tmp_path / "many.pcap", tmp_path / "page.html"
    path.write_bytes(pcap(frames))
    assert scope(woshou, "-r", path, "--html", page).returncode == 0
    text = page.read_text()
    assert "The first 2000 of 3001 connections" in text
    assert text.count("<section id=\"c") <= 100
    assert '<section id="c3001">' in text  # the one that is unlike the others has its ladder


# --- annotated ---


def comments(path):
    ran = subprocess.run(["tshark", "-r", str(path), "-T", "fields", "-e", "frame.number", "-e",
                          "frame.comment"], capture_output=True, text=True, timeout=60)
    return dict((int(number), comment) for number, _, comment in
                (line.partition("\t") for line in ran.stdout.splitlines()) if comment)


needs_tshark = pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is not installed")


@needs_tshark
@pytest.mark.parametrize("form", [".pcap", ".pcapng", ".pcap.gz"])
def test_wireshark_shows_what_was_found(woshou, capture, tmp_path, form):
    source, out = tmp_path / f"in{form}", tmp_path / "out.pcapng"
    if form == ".pcapng":
        subprocess.run(["editcap", "-F", "pcapng", capture, source], check=True)
    else:
        source.write_bytes(gzip.compress(capture.read_bytes()) if form.endswith("gz")
                           else capture.read_bytes())
    ran = scope(woshou, "-r", source, "--annotate", out)
    assert ran.returncode == 0 and b"refused" in ran.stdout
    said = comments(out)
    assert sorted(said) == [1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13]
    assert "10.0.0.1:40002 → 10.0.0.2:81: refused" in said[9] and "ss -ltn" in said[10]
    assert said[2] == "woshou: connection 1: the answer to the SYN"
    again = lines(scope(woshou, "-r", out, "--json"))
    assert again == lines(scope(woshou, "-r", capture, "--json"))


@needs_tshark
def test_comments_are_in_the_users_language_and_of_what_is_wanted(woshou, capture, tmp_path):
    out = tmp_path / "out.pcapng"
    scope(woshou, "-r", capture, "--annotate", out, "--where", "open=refused", "--lang", "zh")
    said = comments(out)
    assert sorted(said) == [9, 10] and "拒绝" in said[9]


def test_a_capture_is_not_annotated_onto_itself(woshou, capture, tmp_path):
    before = capture.read_bytes()
    ran = scope(woshou, "-r", capture, "--annotate", capture)
    assert ran.returncode == 2 and b"not overwritten" in ran.stderr and ran.stdout == b""
    assert capture.read_bytes() == before
    ran = scope(woshou, "-r", "-", "--annotate", tmp_path / "out", input=before)
    assert ran.returncode == 2 and not (tmp_path / "out").exists()
    ran = scope(woshou, "-r", capture, "--annotate", tmp_path / "no" / "out")
    assert ran.returncode == 1 and b"no such file" in ran.stderr


@needs_tshark
def test_what_comes_before_damage_is_annotated(woshou, capture, tmp_path):
    out = tmp_path / "out.pcapng"
    capture.write_bytes(capture.read_bytes()[:-3])
    ran = scope(woshou, "-r", capture, "--annotate", out)
    assert ran.returncode == 1 and b"packet 15" in ran.stderr
    assert 9 in comments(out)
    assert not list(tmp_path.glob("out.pcapng.*"))


def test_a_long_run_of_data_is_one_arrow(woshou, tmp_path):
    ends = (("10.0.0.1", 40001), ("10.0.0.2", 80))
    frames = conversation(40001, close=False)
    for i in range(2000):
        frames.append(segment(*ends, ">", "A", 106 + 100 * i, 307, b"x" * 100, number=i))
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(frames))
    ladder = scope(woshou, "-r", path, "--ladder", 1).stdout.decode()
    assert "segments, " in ladder and len(ladder.splitlines()) < 60


def test_a_run_of_acknowledgements_goes_the_way_they_went(woshou, tmp_path):
    ends = (("10.0.0.1", 40001), ("10.0.0.2", 80))
    frames = conversation(40001, close=False)
    frames += [segment(*ends, "<", "A", 307, 106, number=i) for i in range(1, 60)]
    path = tmp_path / "acks.pcap"
    path.write_bytes(pcap(frames))
    ladder = scope(woshou, "-r", path, "--ladder", 1).stdout.decode()
    run = next(line for line in ladder.splitlines() if "segments, 0 bytes" in line)
    assert "◄" in run and " 0 segments" not in run


def test_a_ladder_numbers_its_packets(woshou, capture):
    ladder = scope(woshou, "-r", capture, "--ladder", 2).stdout.decode().splitlines()
    assert [row.split()[:2] for row in ladder if "SYN seq=j" in row or "RST ACK" in row] == [
        ["9", "0.000"], ["10", "1.000"]]
    assert 'class="number halo"' in scope(woshou, "-r", capture, "--svg", 2).stdout.decode()


# --- which ---


@pytest.mark.parametrize("where, ids", [
    ("open=refused", [2]), ("open!=refused", [1, 3]), ("server=:81", [2]),
    ("client=10.0.0.0/8 and close=still-open", [3]), ("not open=refused, bytes>10", [1, 3]),
    ("rtt>=2ms or open=refused", [1, 2, 3]), ("rtt>3ms", []), ("(id=1 or id=3) and packets>5", [1]),
    ("anomalies", []), ("who=client", [1]), ("server=10.0.0.2:80", [1, 3])])
def test_where(woshou, capture, where, ids):
    ran = scope(woshou, "-r", capture, "--json", "--where", where)
    assert sorted(story["id"] for story in lines(ran)) == ids


def test_sort_and_top(woshou, capture):
    def ids(*arguments):
        out = scope(woshou, "-r", capture, "--no-summary", *arguments).stdout.decode()
        return [int(row.split()[0]) for row in out.splitlines()[1:]]
    assert ids("--sort", "-id") == [3, 2, 1]
    assert ids("--sort", "packets") == [2, 3, 1]
    assert ids("--sort", "-packets", "--top", 1) == [1]
    assert ids("--top", 2) == [1, 2] and ids("--sort", "-id", "--top", 2) == [3, 2]


def test_a_filter_is_tcpdumps(woshou, capture):
    assert [s["id"] for s in lines(scope(woshou, "-r", capture, "--json", "port", "81"))] == [1]
    assert [s["open"] for s in lines(scope(woshou, "-r", capture, "--json", "port 81"))] == ["refused"]


# --- where it comes from ---


@pytest.mark.parametrize("compress", [gzip.compress, "zstd", "lz4"])
def test_compressed_and_from_a_pipe(woshou, capture, compress):
    if isinstance(compress, str):
        if not shutil.which(compress):
            pytest.skip(f"{compress} is not installed")
        packed = subprocess.run([compress, "-qc", capture], capture_output=True).stdout
    else:
        packed = compress(capture.read_bytes())
    expected = scope(woshou, "-r", capture, "--json").stdout
    assert scope(woshou, "-r", "-", "--json", input=packed).stdout == expected
    assert scope(woshou, "-r", "-", "--json", input=capture.read_bytes()).stdout == expected


def in_namespace():
    """The words before a command that give it a network of its own; or why there is none."""
    command = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    tried = subprocess.run([*command, "true"], capture_output=True)
    return command if tried.returncode == 0 else None


def test_live(woshou, start):
    """A real connection on a loopback of its own: the same shell starts the capture and, once
    that says it runs, a refused connection; so many packets end it."""
    namespace = in_namespace()
    if not namespace:
        pytest.skip("no network namespace can be had here")
    script = ('"$1" scope -i lo --json --count 4 tcp 2>&1 >"$2" | '
              '{ read said; echo "$said"; python3 -c "'
              "import socket\n"
              "for i in range(2):\n"
              "    socket.socket().connect_ex(('127.0.0.1', 9))"
              '"; cat; }')
    out = os.path.join(os.environ.get("TMPDIR", "/tmp"), f"woshou-live-{os.getpid()}")
    try:
        ran = subprocess.run([*namespace, "sh", "-c", script, "sh", woshou, out],
                             capture_output=True, text=True, timeout=60)
        if "capturing" not in ran.stdout:
            pytest.skip(f"no capture can be had here: {ran.stdout}")
        with open(out, encoding="utf-8") as told:
            stories = [json.loads(line) for line in told]
    finally:
        if os.path.exists(out):
            os.remove(out)
    assert [story["open"] for story in stories] == ["refused", "refused"]
    assert {story["server"] for story in stories} == {"127.0.0.1:9"}


def test_live_nothing_is_left_of_root_and_ctrl_c_ends_it(woshou, start):
    if os.geteuid() != 0 or not in_namespace():
        pytest.skip("not root, or no network namespace can be had here")
    program = start("unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", woshou,
                    "scope", "-i", "any")
    said = program.err.next()
    if "capturing on any" not in said:
        pytest.skip(f"no capture can be had here: {said}")
    with open(f"/proc/{program.pid}/status", encoding="ascii") as file:
        status = dict(line.rstrip("\n").split(":\t", 1) for line in file)
    assert status["Uid"].split() == ["65534"] * 4 and status["Gid"].split() == ["65534"] * 4
    assert int(status["CapPrm"], 16) == int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    if b"libseccomp" in subprocess.run(["ldd", woshou], capture_output=True).stdout:
        assert status["Seccomp"] == "2"
    assert program.stopped() == 0 and program.err.rest() == ["no packet was seen"]


def test_a_file_is_read_with_nothing_left_to_open(woshou, start):
    if b"libseccomp" not in subprocess.run(["ldd", woshou], capture_output=True).stdout:
        pytest.skip("built without libseccomp")
    read, write = os.pipe()
    program = start(woshou, "scope", "-r", "-", "--csv", stdin=read)
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        pipe.write(pcap(refused(40001) + refused(40002), step_us=11_000_000))
        pipe.flush()
        assert "refused" in program.out.next() + program.out.next()
        with open(f"/proc/{program.pid}/status", encoding="ascii") as file:
            assert "Seccomp:\t2" in file.read()
    assert program.ended() == 0


# --- bad input ---


@pytest.mark.parametrize("make, sentence", [
    (lambda good: b"", "the file is empty"),
    (lambda good: b"no capture at all, but text", "this is no capture file"),
    (lambda good: good[:20], "ends inside its header"),
    (lambda good: good[:-3], "ends inside packet 15"),
    (lambda good: good + b"\xff" * 16, "packet 16"),
    (lambda good: good[:24 + 14 * 70 + 11] + b"\xff" * 16 + good[24 + 14 * 70 + 27:], "packet 15"),
    (lambda good: gzip.compress(good)[:-20], "gzip")])
def test_a_bad_file_is_one_sentence_and_what_could_be_read(woshou, capture, make, sentence):
    good = capture.read_bytes()
    capture.write_bytes(make(good))
    table = scope(woshou, "-r", capture)
    assert table.returncode == 1 and table.stderr.count(b"\n") == 1
    if "packet 1" in sentence:
        assert b"refused" in table.stdout and b"3 connections" in table.stdout
    ran = scope(woshou, "-r", capture, "--json")
    assert ran.returncode == 1
    assert sentence in ran.stderr.decode() and len(ran.stderr.decode().splitlines()) == 1
    if "packet 1" in sentence:
        assert len(lines(ran)) == 3


@pytest.mark.parametrize("arguments, sentence", [
    ([], "either a file"), (["-r", "x", "-i", "lo"], "either a file"),
    (["-r", "x", "--where", "open=refusd"], "did you mean 'refused'"),
    (["-r", "x", "--where", "opne=refused"], "at column 1"),
    (["-r", "x", "--where", "rtt>5 kg"], "expected"),
    (["-r", "x", "--where", "(" * 99], "at column"), (["-r", "x", "--where", "client=["], "at column 9"),
    (["-r", "x", "--sort", "colour"], "--sort"), (["-r", "x", "--top", "0"], "--top"),
    (["-r", "x", "--ladder", "none"], "--ladder"), (["-r", "-", "--html", "y"], "twice"),
    (["-i", "lo", "--annotate", "y"], "twice"), (["-r", "x", "--json", "--sort", "id"], "--sort"),
    (["-r", "x", "--csv", "--top", "3"], "--top"), (["-r", "x", "--seconds", "3"], "--seconds"),
    (["-r", "x", "--html", "y", "--annotate", "z"], "two runs"),
    (["--nonsense"], "there is no option"), (["-i", "lo", "--seconds", "soon"], "--seconds")])
def test_used_wrongly(woshou, arguments, sentence):
    ran = scope(woshou, *arguments)
    assert ran.returncode == 2 and sentence in ran.stderr.decode(), ran.stderr
    assert ran.stdout == b""


def test_what_is_not_there(woshou, capture):
    ran = scope(woshou, "-r", capture, "--ladder", 9)
    assert ran.returncode == 1 and "there is no connection 9; the last is 3" in ran.stderr.decode()
    ran = scope(woshou, "-r", capture, "port", "no such port")
    assert ran.returncode == 2 and ran.stderr
    ran = scope(woshou, "-r", capture.parent / "absent.pcap")
    assert ran.returncode == 1 and "no such file" in ran.stderr.decode()
    ran = scope(woshou, "-i", "no-such-interface")
    assert ran.returncode == 1 and ran.stderr.count(b"\n") == 1 and ran.stdout == b""
    assert "no-such-interface" in ran.stderr.decode() and "lo" in ran.stderr.decode()
    ran = scope(woshou, "-r", capture.parent)
    assert ran.returncode == 1 and b"is a directory" in ran.stderr


def test_no_permission_is_said(woshou, capture):
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 \
        else []
    capture.chmod(0)
    command = [*nobody, woshou, "scope"]
    ran = subprocess.run([*command, "-i", "lo", "--count", "1", "--seconds", "9"],
                         capture_output=True, timeout=60)
    if ran.returncode == 126 or b"setpriv" in ran.stderr:
        pytest.skip("the program cannot be run as nobody here")
    assert ran.returncode == 1 and b"CAP_NET_RAW" in ran.stderr and ran.stderr.count(b"\n") == 1
    ran = subprocess.run([*command, "-r", capture], capture_output=True, timeout=60)
    assert ran.returncode == 1 and b"permission denied" in ran.stderr


def test_the_interfaces_are_listed(woshou):
    ran = scope(woshou, "--list")
    assert ran.returncode == 0 and any(line.split()[0] == "lo"
                                       for line in ran.stdout.decode().splitlines())


def test_no_connection_is_said_and_is_no_error(woshou, tmp_path):
    path = tmp_path / "none.pcap"
    path.write_bytes(pcap([]))
    ran = scope(woshou, "-r", path)
    assert (ran.returncode, ran.stdout) == (0, b"") and b"no packet" in ran.stderr


def test_standard_output_that_fails(woshou, capture):
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([woshou, "scope", "-r", str(capture)], stdout=full,
                             stderr=subprocess.PIPE, timeout=60)
    assert ran.returncode == 1 and b"standard output" in ran.stderr


def test_a_reader_that_leaves_is_no_news(woshou, tmp_path):
    path = tmp_path / "long.pcap"
    path.write_bytes(pcap(conversation(40001) + [f for p in range(9000) for f in refused(p + 1)]))
    program = subprocess.Popen([woshou, "scope", "-r", str(path), "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    program.stdout.readline()
    program.stdout.close()
    assert program.stderr.read() == b"" and program.wait(timeout=60) == 1


def test_lines_of_a_pipe_come_while_it_goes_on_and_ctrl_c_ends_the_wait(woshou, start):
    read, write = os.pipe()
    program = start(woshou, "scope", "-r", "-", "--json", stdin=read)
    os.close(read)
    with os.fdopen(write, "wb") as pipe:
        # Eleven seconds later by the capture's clock the first has ended for good.
        pipe.write(pcap(refused(40001) + refused(40002), step_us=11_000_000))
        pipe.flush()
        assert json.loads(program.out.next())["open"] == "refused"
        assert program.stopped() == 1
    assert json.loads(program.out.next())["client"] == "10.0.0.1:40002"
    assert program.err.rest() == ["woshou: stopped after 4 packets"]


def test_progress_is_told_where_asked(woshou, capture):
    ran = scope(woshou, "-r", capture, "--progress", "--json")
    assert b"read 1.07 KiB, 15 packets in " in ran.stderr
    assert scope(woshou, "-r", capture, "--json").stderr == b""


def test_ctrl_c_gives_what_is_known(woshou, tmp_path):
    read, write = os.pipe()
    out = tmp_path / "out"  # a pipe that nobody reads yet would hold the program up
    with open(out, "wb") as file:
        program = subprocess.Popen([woshou, "scope", "-r", "-", "--json"], stdin=read, stdout=file,
                                   stderr=subprocess.PIPE)
    os.close(read)
    frames = conversation(40001) * 4000  # enough that the program looks up meanwhile
    try:
        with os.fdopen(write, "wb") as pipe:
            pipe.write(pcap(frames))
            pipe.flush()
            program.send_signal(signal.SIGINT)
            pipe.write(pcap(frames)[24:])
    except BrokenPipeError:
        pass
    err = program.communicate(timeout=60)[1]
    assert program.returncode == 1 and b"stopped after" in err
    assert json.loads(out.read_text().splitlines()[0])["open"] == "three-way"
