"""A client of woshou's protocol, written from doc/protocol.md alone and sharing nothing with the program."""

import os
import socket
import struct
import time

HELLO, WELCOME, ERROR, PING, PONG, BYE = 1, 2, 3, 4, 5, 6
JOIN, JOINED, LEAVE, LEFT, SAY, SAID, MESSAGE, TELL, DIRECT, GAP = range(0x101, 0x10b)
HISTORY, PAST, HISTORY_END, MEMBERS, MEMBER_LIST, PRESENCE = range(0x10b, 0x111)
UNKEPT, FATAL, OPTIONAL = 1, 1, 0x8000
PATIENCE = float(os.environ.get("WOSHOU_TEST_PATIENCE", "20"))


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def frame(kind, body=b"", id=0, flags=0):
    return struct.pack(">IHHQ", len(body), kind, flags, id) + body


def hello(name="", client=None, business=1, versions=(1, 1)):
    return frame(HELLO, struct.pack(">IHHBBI", 0x5753484F, *versions, business, 0, 0)
                 + (client or os.urandom(16)) + text(name) + text(""))


class Fields:
    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, form):
        values = struct.unpack_from(">" + form, self.body, self.at)
        self.at += struct.calcsize(">" + form)
        return values if len(values) > 1 else values[0]

    def text(self):
        length = self.take("H")
        self.at += length
        return self.body[self.at - length:self.at].decode()


class Closed(Exception):
    """The server has closed the connection."""


class Frame:
    def __init__(self, kind, flags, id, body):
        self.kind, self.flags, self.id, self.body = kind, flags, id, body

    def fields(self):
        return Fields(self.body)

    def error(self):
        fields = self.fields()
        code, retry = fields.take("HI")
        return code, retry, fields.text()

    def message(self):
        fields = self.fields()
        room, sender, time_ns, kind = fields.take("IIQB")
        return {"room": room, "sender": sender, "seq": self.id, "time_ns": time_ns, "kind": kind,
                "name": fields.text(), "text": fields.text()}


class Client:
    """One connection. Frames that are waited for by kind leave out the others."""

    def __init__(self, port, name="", client=None, greet=True, room=None, speaker=False, receive_bytes=None):
        self.client = client or os.urandom(16)
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.buffer = b""
        if greet:
            self.send(hello(name, self.client))
            self.expect(WELCOME)
        if room:
            self.join(room, speaker)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def next(self):
        while len(self.buffer) < 16 or len(self.buffer) < 16 + struct.unpack_from(">I", self.buffer)[0]:
            try:
                data = self.socket.recv(1 << 18)
            except ConnectionError as error:
                raise Closed() from error
            if not data:
                raise Closed()
            self.buffer += data
        length, kind, flags, id = struct.unpack_from(">IHHQ", self.buffer)
        body, self.buffer = self.buffer[16:16 + length], self.buffer[16 + length:]
        return Frame(kind, flags, id, body)

    def expect(self, *kinds):
        while (got := self.next()).kind not in kinds:
            if got.kind == ERROR and ERROR not in kinds:
                raise AssertionError(f"refused: {got.error()}")
        return got

    def join(self, room, speaker=False):
        self.send(frame(JOIN, bytes([speaker]) + text(room), id=1 << 62))
        fields = self.expect(JOINED).fields()
        self.room, self.sender, self.epoch, self.last, self.members = fields.take("IIQQI")

    def say(self, value, number=0, flags=0, kind=0):
        self.send(frame(SAY, struct.pack(">IB", self.room, kind) + text(value), id=number, flags=flags))

    def said(self):
        got = self.expect(SAID)
        return got.id, *got.fields().take("IQQ")

    def history(self, room, since=0, until=0, since_ns=0, limit=1000, search=""):
        """All of it, page by page."""
        rows = []
        while True:
            self.send(frame(HISTORY, text(room) + struct.pack(">QQQI", since, until, since_ns, limit)
                            + text(search), id=7))
            while (got := self.expect(PAST, HISTORY_END)).kind == PAST:
                rows.append(got.message())
            since = got.fields().take("QQQ")[0]
            if not since:
                return rows


def until_connected(port, patience=PATIENCE, **options):
    """A client, as soon as there is a server."""
    end = time.monotonic() + patience
    while True:
        try:
            return Client(port, **options)
        except (ConnectionError, Closed):
            if time.monotonic() > end:
                raise
            time.sleep(0.005)
