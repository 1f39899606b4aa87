"""A relay between a client and a server under test: it passes bytes on, and holds, damages or drops them
where a test says so, so that a transfer can be met in its middle without waiting for a time to pass."""

import select
import socket
import threading


class Relay:
    """Listens at a port of its own, and goes to `port` for each connection. `hold_after` bytes in the
    direction that is limited ("up": from the client) are passed on by a connection, then no more."""

    def __init__(self, port, hold_after=None, direction="up", only=None):
        self.target, self.hold_after, self.direction, self.only = port, hold_after, direction, only
        self.damage_at = None  # flip one byte at that place of the first connection that has it
        self.held = threading.Event()
        self.lock = threading.Lock()
        self.pairs = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ending = False
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        number = 0
        while not self.ending:
            try:
                client = self.listener.accept()[0]
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            with self.lock:
                self.pairs.append((client, server))
            threading.Thread(target=self._carry, args=(client, server, number),
                             daemon=True).start()
            number += 1

    def _limit(self, number, up):
        limited = self.direction == ("up" if up else "down")
        if self.hold_after is None or not limited or (self.only is not None and number != self.only):
            return None
        return self.hold_after

    def _room(self, number, up, passed):
        limit = self._limit(number, up)
        room = 65536 if limit is None else min(65536, limit - passed)
        if room <= 0:
            self.held.set()
        return room

    def _carry(self, client, server, number):
        passed = {client: 0, server: 0}
        other = {client: server, server: client}
        try:
            while not self.ending:
                rooms = {end: self._room(number, end is client, passed[end]) for end in other}
                open_ends = [end for end in other if rooms[end] > 0]
                for reader in select.select(open_ends, [], [], 0.02)[0]:
                    data = reader.recv(rooms[reader])
                    if not data:
                        return
                    data = self._damaged(data, passed[reader], reader is client)
                    passed[reader] += len(data)
                    other[reader].sendall(data)
        except (OSError, ValueError):
            pass
        finally:
            for end in other:
                end.close()

    def _damaged(self, data, begin, up):
        at = self.damage_at
        if at is None or not up or not begin <= at < begin + len(data):
            return data
        self.damage_at = None
        index = at - begin
        return data[:index] + bytes([data[index] ^ 1]) + data[index + 1:]

    def resume(self):
        """What was held goes on."""
        self.hold_after = None

    def release(self):
        """Connections are broken off; those made anew pass everything."""
        self.resume()
        self.drop()

    def drop(self):
        with self.lock:
            for pair in self.pairs:
                for end in pair:
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                    end.close()
            self.pairs.clear()

    def end(self):
        self.ending = True
        self.listener.close()
        self.drop()
