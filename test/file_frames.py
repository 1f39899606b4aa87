"""Frames of files (doc/protocol.md), spoken by hand: for clients and servers that misbehave."""

import socket
import struct

HELLO, WELCOME, ERROR, PING, PONG, BYE = 1, 2, 3, 4, 5, 6
OFFER, FETCH, ATTACH, READY = 0x201, 0x202, 0x203, 0x204
ENTRIES, WANT, END, DONE, FAILED = 0x205, 0x206, 0x207, 0x208, 0x209
PACK, DATA, CHECK, GOT, AGAIN = 0x210, 0x211, 0x212, 0x213, 0x214
LIST, NAMES, NAMES_END, REMOVE, REMOVED = 0x220, 0x221, 0x222, 0x223, 0x224
ROOT = 0xFFFFFFFF
FILE, FOLDER = 1, 2


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(raw)) + raw


def blob(raw):
    return struct.pack(">I", len(raw)) + raw


def frame(kind, body=b"", flags=0, number=0):
    return struct.pack(">IHHQ", len(body), kind, flags, number) + body


def entry(kind, parent, size, name, version=1, mode=0o644, mtime_ns=0):
    return struct.pack(">BHIQQq", kind, mode, parent, size, version, mtime_ns) + text(name)


def entries(first, *those):
    return frame(ENTRIES, struct.pack(">IH", first, len(those)) + b"".join(those))


class Speaker:
    """One connection, plain."""

    def __init__(self, sock):
        self.sock = sock
        self.sock.settimeout(20)
        self.buffer = b""

    def send(self, data):
        self.sock.sendall(data)

    def exactly(self, count):
        while len(self.buffer) < count:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def read(self):
        """(type, flags, id, body) of the next frame that is no PING's."""
        while True:
            length, kind, flags, number = struct.unpack(">IHHQ", self.exactly(16))
            body = self.exactly(length)
            if kind == PING:
                self.send(frame(PONG, body, 0, number))
                continue
            return kind, flags, number, body

    def until(self, kind):
        while (got := self.read())[0] != kind:
            pass
        return got[3]

    def close(self):
        self.sock.close()


def client(port, business=2, client_id=b"0123456789abcdef", name="tester", token=""):
    """Greets as a client, and is welcomed."""
    speaker = Speaker(socket.create_connection(("127.0.0.1", port)))
    speaker.send(frame(HELLO, b"WSHO" + struct.pack(">HHBBI", 1, 1, business, 0, 0) + client_id +
                       text(name) + text(token)))
    assert speaker.read()[0] == WELCOME
    return speaker


def offer(port, client_id=b"0123456789abcdef", transfer=b"t" * 16, options=0, room=""):
    """A client that has begun to send."""
    speaker = client(port, client_id=client_id)
    speaker.send(frame(OFFER, transfer + struct.pack(">H", options) + text(room), 0, 1))
    assert speaker.read()[0] == READY
    return speaker


def failed(body):
    """(entry, code, name, sentence) of a FAILED frame."""
    number, code, length = struct.unpack(">IHH", body[:8])
    rest = body[8 + length:]
    return number, code, body[8:8 + length].decode(), rest[2:].decode()


def accept(listener):
    """A server's end of a connection, its client welcomed."""
    speaker = Speaker(listener.accept()[0])
    assert speaker.read()[0] == HELLO
    speaker.send(frame(WELCOME, struct.pack(">HIII", 1, 0, 1 << 20, 30000) + text("fake") +
                       text("tester")))
    return speaker
