"""A TCP relay that is as slow as a line to the world, counts what it carries to the server, and can be cut."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE_BYTES = 64 * 1024


@dataclass(kw_only=True)
class Line:
    """What goes through the relay, and what is wrong with it."""

    upstream_port: int
    port: int = 0
    bytes_per_s: float = 20e6
    sent_bytes: int = 0
    """To the server, with all requests' headers, whether it got them or not."""
    cut_at_bytes: float = float("inf")
    """Once so much has been sent, all connections break, and it is down."""
    is_down: bool = False
    """While it is, nobody gets through."""
    _open: set[socket.socket] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self) -> None:
        """Break all connections."""
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def carry(self, client: socket.socket) -> None:
        """Carry one connection until either end closes it."""
        if self.is_down:
            return client.close()
        with client, socket.create_connection(("127.0.0.1", self.upstream_port)) as server:
            with self._lock:
                self._open |= {client, server}
            back = threading.Thread(target=_pour, args=(server, client), daemon=True)
            back.start()
            with suppress(OSError):
                while piece := client.recv(PIECE_BYTES):
                    self._count(len(piece))
                    server.sendall(piece)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join(30)
            with self._lock:
                self._open -= {client, server}

    def _count(self, more_bytes: int) -> None:
        time.sleep(more_bytes / self.bytes_per_s)
        with self._lock:
            self.sent_bytes += more_bytes
            is_cut = self.sent_bytes >= self.cut_at_bytes
            if is_cut:
                self.cut_at_bytes, self.is_down = float("inf"), True
        if is_cut:
            self.cut()
            raise ConnectionResetError


@contextmanager
def cuttable(upstream_port: int, *, port: int, bytes_per_s: float = 20e6) -> Iterator[Line]:
    """Yield a running relay on `port` before the server on `upstream_port`."""
    line = Line(upstream_port=upstream_port, port=port, bytes_per_s=bytes_per_s)
    with socket.create_server(("127.0.0.1", port)) as listening:
        listening.settimeout(0.1)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, PIECE_BYTES)  # what is on its way is little
        is_over = threading.Event()
        accepting = threading.Thread(target=_accept, args=(listening, line, is_over), daemon=True)
        accepting.start()
        try:
            yield line
        finally:
            is_over.set()
            line.cut()
            accepting.join(5)


def _accept(listening: socket.socket, line: Line, is_over: threading.Event) -> None:
    while not is_over.is_set():
        with suppress(TimeoutError):
            client, _ = listening.accept()
            client.settimeout(None)
            threading.Thread(target=_carry, args=(line, client), daemon=True).start()


def _carry(line: Line, client: socket.socket) -> None:
    with suppress(OSError):
        line.carry(client)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
