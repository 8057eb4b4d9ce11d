"""An HTTP relay that may change, or lose, what a server answered after it did what it was asked."""

import http.client
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 20.0
OF_ONE_CONNECTION = {"connection", "content-length", "transfer-encoding", "keep-alive"}


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and what the server answered."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes = field(repr=False)
    promised_bytes: int | None = None
    """What Content-Length says, the answer's own length when None."""


Change = Callable[[Exchange], Exchange | None]
"""Returns what the client gets; None closes its connection without a word."""


@contextmanager
def relay(upstream: str, change: Change) -> Iterator[str]:
    """Yield the base URL of a relay before the server at `upstream`."""

    class Handler(_Handler):
        server_address = (urlsplit(upstream).hostname or "", urlsplit(upstream).port or 0)
        change_answer = staticmethod(change)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(TIMEOUT_S)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = TIMEOUT_S
    server_address: tuple[str, int]
    change_answer: Change

    def _relay(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answered = self.change_answer(self._ask(body))
        if answered is None:
            self.close_connection = True
            return
        self.send_response_only(answered.status)
        for name, value in answered.answer_headers.items():
            self.send_header(name, value)
        promised = len(answered.answer) if answered.promised_bytes is None else answered.promised_bytes
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        self.wfile.write(answered.answer)
        self.close_connection = promised != len(answered.answer)

    def _ask(self, body: bytes) -> Exchange:
        upstream = http.client.HTTPConnection(*self.server_address, timeout=TIMEOUT_S)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            headers = {name: value for name, value in answer.getheaders() if name.lower() not in OF_ONE_CONNECTION}
            return Exchange(
                method=self.command,
                path=self.path,
                headers=dict(self.headers.items()),
                body=body,
                status=answer.status,
                answer_headers=headers,
                answer=answer.read(),
            )
        finally:
            upstream.close()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = _relay

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""
