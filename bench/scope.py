"""scope: every connection of a capture, against tcptrace, tshark, and libpcap only reading it."""

import pathlib
import re
import subprocess
import sys
import tempfile

from harness.figures import Comparison, Figure, Trouble, at_least, at_most
from harness.kept import digest, keep
from harness.machine import cores, pinned, run_load

ROUNDS = 5
TSHARK_ROUNDS = 3  # it takes up to two minutes
LIMIT_S = 400

CONNECTIONS = 102000
PACKETS_LEAST, CONNECTIONS_LEAST = 2000000, 100000
FEW, FEW_MIB = 4, 704  # MiB in each
SYNS = 300000
TABLE = 65536  # connections that woshou follows at once unless told otherwise
LONG = 10000000
MIB = 1 << 20

MANY_CELL, FEW_CELL = "many connections", "few connections"
# At most twice the time is at least half the rate.
TARGETS = {"tcptrace": at_least(25), "tshark": at_least(400), "tcpdump": at_least(0.5)}


# ---- Captures ------------------------------------------------------------------------------

def capture(build, name, program, *arguments, to_output=False):
    """Makes it or finds it whole; returns its path and what its maker told."""
    command = [build / "bench" / program, *map(str, arguments)]
    recipe = f"{' '.join(map(str, command[1:]))}, {program} {digest(command[0])}"

    def make(partial):
        if not to_output:
            return run_load([*command, partial], limit_s=LIMIT_S)
        with partial.open("wb") as file:
            subprocess.run(command, stdout=file, check=True, timeout=LIMIT_S)
        return {}

    path = build / "captures" / name
    return path, keep(path, recipe, make,
                      lambda text: print(f"scope: {text}, once", file=sys.stderr, flush=True))


def real_capture(build, name, *arguments):
    path, told = capture(build, name, "make_capture", *arguments)
    if told["packets"] < PACKETS_LEAST:
        raise Trouble(f"{path} has {told['packets']:.0f} packets, too few")
    return path, int(told["packets"])


# ---- Runs ----------------------------------------------------------------------------------

def run(build, command, stdin=subprocess.DEVNULL):
    """What it took, and beginning and end of what it printed: a summary stands at the end."""
    with tempfile.TemporaryDirectory(dir=build) as folder:
        output = pathlib.Path(folder, "output")
        took = run_load([build / "bench" / "measure_run", output, *command], stdin, LIMIT_S)
        with output.open("rb") as file:
            begin = file.read(4096)
            file.seek(max(len(begin), output.stat().st_size - 4096))
            return took, (begin + b"\n" + file.read()).decode(errors="replace")


def scope(build, *options):
    return [build / "woshou", "scope", "--quiet", *options]


def connections_of(text):
    """How many woshou's summary tells of."""
    found = re.search(r"^(\d+) connections, ", text, re.M)
    return int(found[1]) if found else 0


def check_connections(build, path):
    """By woshou's own count; each peer is to have as much to do."""
    found = connections_of(run(build, scope(build, "-r", path))[1])
    if found < CONNECTIONS_LEAST:
        raise Trouble(f"{path} has {found} connections, too few")


# ---- Against others ------------------------------------------------------------------------

def programs(build, path):
    return {
        "woshou": scope(build, "-r", path),
        "woshou --json": scope(build, "--json", "-r", path),
        "tcptrace": ["tcptrace", "-n", path],
        "tcpdump": ["tcpdump", "-n", "-r", path, "udp"],  # of which there is none
    }


def reading_figures(where, targets=None):
    yield Figure(f"packets a second, {where}", "1/s", targets)
    yield Figure(f"CPU time, {where}", "ms")
    yield Figure(f"peak memory, {where}", "MiB")


def read_capture(build, where, packets, command):
    took, _ = run(build, command)
    return {
        f"packets a second, {where}": packets / took["wall_ns"] * 1e9,
        f"CPU time, {where}": took["cpu_ns"] / 1e6,
        f"peak memory, {where}": took["peak_bytes"] / MIB,
    }


def reading(build, where, path, packets, more_programs, targets=None, slow=None):
    return Comparison(
        {**programs(build, path), **more_programs}, list(reading_figures(where, targets)),
        {where: lambda command: read_capture(build, where, packets, command)}, slow or {})


# ---- Memory --------------------------------------------------------------------------------

JSON_PEAK = "peak memory, --json"
GROWTH = "peak memory, --json, the whole file to a quarter of it"
SYNS_PEAK = f"peak memory, {SYNS:,} SYNs"
EVICTED = f"connections counted as evicted, {SYNS:,} SYNs"
LONG_PEAK = f"peak memory, one connection of {LONG:,} packets"


def memory_figures():
    yield Figure(f"{JSON_PEAK}, {MANY_CELL}", "MiB", at_most(64, of="value"))
    yield Figure(f"{JSON_PEAK}, {FEW_CELL}", "MiB", at_most(64, of="value"))
    yield Figure(GROWTH, "times", at_most(1.1, of="value"))
    yield Figure(SYNS_PEAK, "MiB", at_most(128, of="value"))
    yield Figure(EVICTED, "", at_least(SYNS - TABLE, of="value"))
    yield Figure(LONG_PEAK, "MiB", at_most(64, of="value"))


def json_memory(build, path, packets, where):
    whole, _ = run(build, scope(build, "--json", "-r", path))
    told = {f"{JSON_PEAK}, {where}": whole["peak_bytes"] / MIB}
    if where == MANY_CELL:
        part, _ = run(build, scope(build, "--json", "--count", str(packets // 4), "-r", path))
        told[GROWTH] = whole["peak_bytes"] / part["peak_bytes"]
    return told


def syns_memory(build, path):
    took, text = run(build, scope(build, "-r", path))
    if connections_of(text) != SYNS:
        raise Trouble(f"woshou tells of {connections_of(text)} connections, not {SYNS}")
    evicted = re.search(r"^(\d+) connections were given up", text, re.M)
    return {SYNS_PEAK: took["peak_bytes"] / MIB, EVICTED: int(evicted[1]) if evicted else 0}


def long_memory(build):
    """Of a pipe: such a file would take more than a gigabyte."""
    forge = subprocess.Popen([build / "bench" / "forge_capture", "one", str(LONG)],
                             stdout=subprocess.PIPE, **pinned(cores()[0]))
    try:
        took, text = run(build, scope(build, "--events", "-r", "-"), forge.stdout)
    finally:
        forge.stdout.close()
        forge.wait()
    if f'"packets":{LONG},' not in text:
        raise Trouble(f"woshou does not tell of {LONG} packets")
    return {LONG_PEAK: took["peak_bytes"] / MIB}


def comparisons(build):
    many, many_packets = real_capture(build, "many.pcap", "many", CONNECTIONS)
    few, few_packets = real_capture(build, "few.pcap", "few", FEW, FEW_MIB)
    syns, _ = capture(build, "syns.pcap", "forge_capture", "syns", SYNS, to_output=True)
    check_connections(build, many)
    tshark = {"tshark": ["tshark", "-q", "-z", "conv,tcp", "-r", many]}
    memory = {
        MANY_CELL: lambda build: json_memory(build, many, many_packets, MANY_CELL),
        FEW_CELL: lambda build: json_memory(build, few, few_packets, FEW_CELL),
        f"{SYNS:,} SYNs": lambda build: syns_memory(build, syns),
        f"{LONG:,} packets": long_memory,
    }
    return [
        reading(build, MANY_CELL, many, many_packets, tshark, TARGETS, {"tshark": TSHARK_ROUNDS}),
        reading(build, FEW_CELL, few, few_packets, {}),
        Comparison({"woshou": build}, list(memory_figures()), memory),
    ]
