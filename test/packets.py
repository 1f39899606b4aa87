"""Captures made byte by byte, for the tests of woshou scope."""

import socket
import struct

FLAGS = {"F": 1, "S": 2, "R": 4, "P": 8, "A": 16}


def segment(client, server, way, flags, seq, ack=0, payload=b"", window=1000, number=1):
    """An Ethernet frame; `way` is ">" from the client or "<" from the server."""
    source, destination = (client, server) if way == ">" else (server, client)
    bits = sum(FLAGS[flag] for flag in flags)
    tcp = struct.pack(">HHIIBBHHH", source[1], destination[1], seq, ack, 5 << 4, bits, window,
                      0, 0) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), number & 0xFFFF, 0x4000, 64, 6, 0,
                     socket.inet_aton(source[0]), socket.inet_aton(destination[0]))
    return bytes.fromhex("020000000001020000000002") + b"\x08\x00" + ip + tcp


def conversation(port, close=True, client="10.0.0.1", server=("10.0.0.2", 80)):
    """A handshake, a few bytes each way, and a close in three segments."""
    ends = ((client, port), server)
    frames = [segment(*ends, ">", "S", 100), segment(*ends, "<", "SA", 300, 101),
              segment(*ends, ">", "A", 101, 301),
              segment(*ends, ">", "PA", 101, 301, b"hello"),
              segment(*ends, "<", "PA", 301, 106, b"world!")]
    if close:
        frames += [segment(*ends, ">", "FA", 106, 307), segment(*ends, "<", "FA", 307, 107),
                   segment(*ends, ">", "A", 107, 308)]
    return frames


def refused(port, server=("10.0.0.2", 81)):
    ends = (("10.0.0.1", port), server)
    return [segment(*ends, ">", "S", 5), segment(*ends, "<", "RA", 0, 6)]


def pcap(frames, link_type=1, step_us=1000):
    """A pcap file of the frames, a millisecond apart."""
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    records = []
    for i, frame in enumerate(frames):
        at_us = 1_700_000_000_000_000 + i * step_us
        records.append(struct.pack("<IIII", at_us // 1_000_000, at_us % 1_000_000, len(frame),
                                   len(frame)) + frame)
    return head + b"".join(records)
