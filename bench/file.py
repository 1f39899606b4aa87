"""file: files to a server over loopback, against cp, scp, rsync, ncat and iperf3."""

import atexit
import contextlib
import filecmp
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from harness.figures import Comparison, Figure, Trouble, at_least, at_most
from harness.machine import Server, stop

ROUNDS = 5
BIG_BYTES = int(os.environ.get("BENCH_FILE_MIB", "2048")) << 20
SMALL_FILES = int(os.environ.get("BENCH_FILE_COUNT", "10000"))
SMALL_BYTES = 4096
BROKEN_AT = 0.9
PATIENCE_S = 120
NOTE_BYTES = 32  # of one chunk in a journal (src/file/journal.c)


# --- Running things ---


def timed(command, **more):
    """How long it takes, in seconds; it has to succeed."""
    begin = time.monotonic()
    done = subprocess.run(list(map(str, command)), stdin=more.pop("stdin", subprocess.DEVNULL),
                          stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                          timeout=PATIENCE_S, **more)
    took = time.monotonic() - begin
    if done.returncode:
        raise Trouble(f"{command[0]} ended with status {done.returncode}: "
                      f"{done.stderr.decode(errors='replace').strip()}")
    return took


def synced(path, whole=False):
    """How long it takes until that is on the disk: the file, or all of its file system."""
    return timed(["sync", *(["-f"] if whole else []), path])


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def listens(port):
    """Asked of the kernel: a peer that serves one connection would take a try for it."""
    wanted = f"0100007F:{port:04X}"
    lines = pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(fields[1] in (wanted, f"00000000:{port:04X}") and fields[3] == "0A"
               for fields in map(str.split, lines))


@contextlib.contextmanager
def peer(port, command, **more):
    """A server of another program's, once it listens."""
    process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                               stdout=more.pop("stdout", subprocess.DEVNULL),
                               stderr=subprocess.DEVNULL, **more)
    try:
        deadline = time.monotonic() + 10
        while not listens(port):
            if time.monotonic() > deadline or process.poll() is not None:
                raise Trouble(f"{command[0]} does not listen")
            time.sleep(0.01)
        yield process
    finally:
        stop(process)


# --- Where it happens ---


class Place:
    """Folders on the disk that the build is on, a file of random bytes, and many small ones; made when
    the first program is measured, and away at the end."""

    def __init__(self, build):
        self.build = build
        self.folder = None
        self.verified = set()

    def make(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="bench-file-", dir=self.build))
        atexit.register(shutil.rmtree, self.folder)
        self.big = self.folder / "big.bin"
        self.small = self.folder / "small"
        self.small.mkdir()
        with self.big.open("wb") as file:
            for _ in range(BIG_BYTES >> 20):
                file.write(os.urandom(1 << 20))
        for number in range(SMALL_FILES):
            (self.small / f"{number}").write_bytes(os.urandom(SMALL_BYTES))
        os.sync()

    def made(self):
        if not self.folder:
            self.make()
        return self

    def fresh(self, name):
        """An empty folder, and nothing of earlier runs left for the disk to do."""
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        os.sync()
        return path

    def verify(self, program, copy):
        """Once for each program: that what arrived is what was sent."""
        if program in self.verified:
            return
        self.verified.add(program)
        same = (filecmp.cmp(self.big, copy, shallow=False) if copy.is_file() else
                all(filecmp.cmp(path, copy / path.name, shallow=False)
                    for path in self.small.iterdir()))
        if not same:
            raise Trouble(f"what {program} moved is not what it was")


@contextlib.contextmanager
def served(place, *options):
    """Our server; its folder, and a function that sends to it and returns how long that took."""
    folder = place.fresh("server")
    woshou = place.build / "woshou"
    environment = {**os.environ, "LC_ALL": "C", "LANGUAGE": "C",
                   "XDG_STATE_HOME": str(place.folder / "state")}
    output, errors = folder / "output", folder / "errors"
    with output.open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen([woshou, "serve", "--listen", "127.0.0.1:0", "--dir",
                                    folder / "state", *options],
                                   stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)
    try:
        server = Server(process, output, errors)
        command = [woshou, "send", "--server", f"127.0.0.1:{server.port}", "--quiet"]
        yield folder / "state", lambda path, *more: timed([*command, *more, path], env=environment), (
            lambda path: subprocess.Popen([*command, path], stdin=subprocess.DEVNULL,
                                          stderr=subprocess.DEVNULL, env=environment))
    finally:
        stop(process)


# --- To disk ---


def disk_woshou(place):
    with served(place) as (folder, send, _):
        took = send(place.big)
        place.verify("woshou", folder / "files" / place.big.name)
    return took


def disk_cp(place):
    copy = place.fresh("copy") / place.big.name
    took = timed(["cp", place.big, copy]) + synced(copy)
    place.verify("cp", copy)
    return took


def disk_ncat(place):
    copy, port = place.fresh("copy") / place.big.name, free_port()
    with copy.open("wb") as out, place.big.open("rb") as source:
        with peer(port, ["ncat", "-l", "127.0.0.1", port, "--recv-only"], stdout=out) as server:
            begin = time.monotonic()
            timed(["ncat", "--send-only", "127.0.0.1", port], stdin=source)
            server.wait(PATIENCE_S)
            took = time.monotonic() - begin
    took += synced(copy)
    place.verify("ncat", copy)
    return took


@contextlib.contextmanager
def secure_shell(place):
    """An sshd of its own with keys of its own; the arguments of scp for it."""
    folder, port = place.fresh("ssh"), free_port()
    for name in ("host", "user"):
        timed(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name])
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\n"
        f"AuthorizedKeysFile {folder}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n")
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    with peer(port, ["/usr/sbin/sshd", "-D", "-e", "-f", folder / "config"]):
        yield ["scp", "-q", "-F", "none", "-P", port, "-i", folder / "user", "-o",
               "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={folder}/known",
               "-o", "BatchMode=yes"]


def disk_scp(place):
    copy = place.fresh("copy") / place.big.name
    with secure_shell(place) as scp:
        took = timed([*scp, place.big, f"127.0.0.1:{copy}"]) + synced(copy)
    place.verify("scp", copy)
    return took


@contextlib.contextmanager
def rsync_daemon(place):
    folder, port = place.fresh("copy"), free_port()
    config = place.fresh("rsync") / "config"
    config.write_text(f"use chroot = no\nlog file = /dev/null\naddress = 127.0.0.1\n"
                      f"[bench]\npath = {folder}\nread only = no\n"
                      + (f"uid = {os.getuid()}\ngid = {os.getgid()}\n" if os.geteuid() == 0 else ""))
    with peer(port, ["rsync", "--daemon", "--no-detach", f"--port={port}", f"--config={config}"]):
        yield folder, f"rsync://127.0.0.1:{port}/bench/"


def disk_rsync(place):
    with rsync_daemon(place) as (folder, where):
        copy = folder / place.big.name
        took = timed(["rsync", "--whole-file", place.big, where]) + synced(copy)
        place.verify("rsync", copy)
    return took


# --- To nowhere ---


def sink_woshou(place, *options):
    with served(place, "--sink") as (_, send, _):
        return send(place.big, "--connections", "1", *options)


def sink_woshou_tls(place):
    return sink_woshou(place, "--tls")


def sink_iperf3(_):
    port = free_port()
    with peer(port, ["iperf3", "-s", "-1", "-B", "127.0.0.1", "-p", port]):
        return timed(["iperf3", "-c", "127.0.0.1", "-p", port, "-n", BIG_BYTES])


def sink_ncat(place):
    port = free_port()
    with place.big.open("rb") as source:
        with peer(port, ["ncat", "-l", "127.0.0.1", port, "--recv-only"]) as server:
            begin = time.monotonic()
            timed(["ncat", "--send-only", "127.0.0.1", port], stdin=source)
            server.wait(PATIENCE_S)
            return time.monotonic() - begin


def sink_scp(place):
    with secure_shell(place) as scp:
        return timed([*scp, place.big, "127.0.0.1:/dev/null"])


# --- Many small files ---


def small_woshou(place):
    with served(place) as (folder, send, _):
        took = send(place.small)
        place.verify("woshou, small files", folder / "files" / "small")
    return took


def small_rsync(place):
    with rsync_daemon(place) as (folder, where):
        took = timed(["rsync", "--whole-file", "-r", place.small, where])
        took += synced(folder, whole=True)
        place.verify("rsync, small files", folder / "small")
    return took


# --- Broken off ---


def noted(folder):
    """Bytes in the journal of what is arriving."""
    try:
        return sum(path.stat().st_size for path in (folder / "incoming").glob("*/journal"))
    except OSError:
        return 0


def resume_woshou(place):
    """The time of going on, in parts of the time of all of it, in the same round."""
    with served(place) as (folder, send, begin):
        full = send(place.big)
    chunk = 1 << 20
    while chunk < 16 << 20 and BIG_BYTES > chunk * 1999:
        chunk *= 2
    enough = BROKEN_AT * (BIG_BYTES // chunk) * NOTE_BYTES
    with served(place) as (folder, send, begin):
        broken = begin(place.big)
        deadline = time.monotonic() + PATIENCE_S
        while noted(folder) < enough:
            if time.monotonic() > deadline or broken.poll() is not None:
                raise Trouble("the transfer was over before it could be broken off")
        broken.send_signal(signal.SIGKILL)
        broken.wait()
        os.sync()  # what was written in the broken one's time is not the next one's work
        rest = send(place.big)
        place.verify("woshou, resumed", folder / "files" / place.big.name)
    return rest / full


# --- The comparisons ---


def comparison(place, figure, unit, amount, target, programs):
    """All of them move the same, and the figure is how much of it in a second."""
    return Comparison(programs, [Figure(figure, unit, target)],
                      {figure: lambda measure: {figure: amount / measure(place.made())}})


def comparisons(build):
    place, mib = Place(build), BIG_BYTES / (1 << 20)
    size = f"{BIG_BYTES >> 20} MiB"
    resumed = f"{size}, going on at {BROKEN_AT:.0%}: time, of the whole"
    return [
        comparison(place, f"{size} to disk and synced", "MiB/s", mib, {"cp": at_least(0.9)},
                   {"woshou": disk_woshou, "cp": disk_cp, "ncat": disk_ncat, "scp": disk_scp,
                    "rsync": disk_rsync}),
        comparison(place, f"{size} to a sink, one connection, plain", "MiB/s", mib,
                   {"iperf3": at_least(0.8)},
                   {"woshou": sink_woshou, "iperf3": sink_iperf3, "ncat": sink_ncat}),
        comparison(place, f"{size} to a sink, one connection, TLS", "MiB/s", mib,
                   {"scp": at_least(3.0)}, {"woshou": sink_woshou_tls, "scp": sink_scp}),
        comparison(place, f"{SMALL_FILES} files of 4 KiB, synced", "1/s", SMALL_FILES, None,
                   {"woshou": small_woshou, "rsync": small_rsync}),
        Comparison({"woshou": resume_woshou},
                   [Figure(resumed, "", at_most(0.12, of="value"))],
                   {resumed: lambda measure: {resumed: measure(place.made())}}),
    ]
