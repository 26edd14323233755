"""A look at the wire: a TCP forwarder that notes how each connection begins."""

import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Connection:
    """What both sides said first, up to the end of their heads."""

    asked: bytes = b""
    answered: bytes = b""

    @property
    def request_line(self):
        return self.asked.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def is_websocket(self):
        return b"\r\nupgrade: websocket" in self.asked.lower() and self.answered.startswith(b"HTTP/1.1 101 ")


@dataclass
class Wiretap:
    url: str
    connections: list = field(default_factory=list)


@contextmanager
def tapped(url):
    """Forwards a port of its own to `url`'s, byte for byte; ends with the block."""
    target = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        tap = Wiretap(f"http://127.0.0.1:{listener.getsockname()[1]}")
        threading.Thread(
            target=_accept, args=(listener, (target.hostname, target.port), tap), daemon=True
        ).start()
        yield tap


def _accept(listener, target, tap):
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # the block has ended
        server = socket.create_connection(target)
        connection = Connection()
        tap.connections.append(connection)
        for name, source, sink in (("asked", client, server), ("answered", server, client)):
            threading.Thread(target=_pump, args=(connection, name, source, sink), daemon=True).start()


def _pump(connection, name, source, sink):
    """One direction, until its end."""
    try:
        while piece := source.recv(65536):
            said = getattr(connection, name)
            if b"\r\n\r\n" not in said:
                setattr(connection, name, said + piece)
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other direction tells
