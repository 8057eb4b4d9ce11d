"""One request and its answer: read from a client, perhaps passed on to the server behind, answered, counted."""

import json
import re
import traceback
from collections.abc import Mapping, Set
from contextlib import suppress
from email.message import Message
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qsl, unquote, urlencode

from tests.emulators.bucket_cors import allowance, preflight
from tests.emulators.request_body import PIECE_BYTES, BrokenOff, RequestBody
from tests.emulators.storage_refusals import Refusal, Style
from tests.emulators.storage_upstream import Upstream

if TYPE_CHECKING:
    from tests.emulators.storage_proxy import ProxyServer

JSON_API = ("/storage/v1", "/download/storage/v1", "/upload/storage/v1", "/batch/", "/_internal/")
OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)")
IN_XML = re.compile(r"/([^/]+)/(.+)")
OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
REASONS = {308: "Resume Incomplete", 499: "Client Closed Request"}


class StorageExchange(BaseHTTPRequestHandler):
    """One client's connection, and one of its own to the server behind; `answer` is left to a subclass."""

    server: "ProxyServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60.0  # a client that is silent for longer has gone

    def setup(self) -> None:
        super().setup()
        self.upstream = Upstream(self.server.upstream_port)

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def handle_request(self) -> None:
        """Answer one request, whatever it is."""
        self.path, _, self.raw_query = self.path.partition("?")
        self.query = parse_qsl(self.raw_query, keep_blank_values=True)
        self.parameters = dict(self.query)
        self.style: Style = "json" if self.path.startswith(JSON_API) else "xml"
        self.cors: Mapping[str, str] = {}
        self.upstream.host = self.headers.get("Host", self.upstream.host)
        key, traffic = self._object_key(), self.server.traffic
        self.body = RequestBody(cast("Any", self.rfile), self.headers, lambda count: traffic.count_received(key, count))
        traffic.count_request(key, self.headers)
        try:
            self.answer()
            self.body.drain()  # or what is left of it would be taken for the next request
        except Refusal as refusal:
            self._refuse(refusal)
        except BrokenOff:
            self.close_connection = True
        except (ConnectionError, TimeoutError) as error:  # the client's, nearly always
            self.server.log(f"{self.command} {self.path}: {error!r}\n")
            self.close_connection = True
        except Exception:
            self.server.log(traceback.format_exc())
            self.close_connection = True
            with suppress(OSError):
                self.send(500, {}, b"the storage proxy failed; see its log")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = handle_request

    def answer(self) -> None:
        """Answer the request, or raise Refusal."""
        raise NotImplementedError

    # Towards the server behind.

    def ask(self, target: str, sent: bytes | None = None) -> tuple[int, Message, bytes]:
        """Pass the request on, by default with its own body, and return status, headers and body of the answer."""
        headers = self.headers_on()
        headers.pop("Accept-Encoding", None)  # so that an answer can be read
        return self.upstream.ask(self.command, target, headers, self.body.read() if sent is None else sent)

    def target(self, *, without: Set[str] = frozenset()) -> str:
        """Return path and query as they came, or without some parameters."""
        if not without & self.parameters.keys():
            return f"{self.path}?{self.raw_query}" if self.raw_query else self.path
        kept = urlencode([(key, value) for key, value in self.query if key not in without])
        return f"{self.path}?{kept}" if kept else self.path

    def headers_on(self) -> dict[str, str]:
        """Return the headers that concern the server behind."""
        dropped = {*OF_A_CONNECTION, "content-length", "authorization", "expect"}
        return {key: value for key, value in self.headers.items() if key.lower() not in dropped}

    # Towards the client.

    def preflight(self, bucket: str) -> None:
        """Tell a browser what its page may send to this bucket."""
        asked = [
            self.headers.get(key, "") for key in ("Access-Control-Request-Method", "Access-Control-Request-Headers")
        ]
        self.send(200, preflight(self.server.rules(bucket), self.headers.get("Origin", ""), *asked))

    def allow_origin(self, bucket: str, origin: str | None) -> None:
        """Have the answer say that this page may read it, if it may."""
        if origin:
            self.cors = allowance(self.server.rules(bucket), origin, self.command)

    def _refuse(self, refusal: Refusal) -> None:
        kind = "application/xml; charset=UTF-8" if self.style == "xml" else "application/json; charset=UTF-8"
        body = b"" if refusal.status == 304 else refusal.body(self.style)
        try:
            self.body.drain()
            self.send(refusal.status, {"Content-Type": kind}, body)
        except (BrokenOff, OSError):
            self.close_connection = True

    def send_json(self, status: int, value: object) -> None:
        self.send(
            status,
            {"Content-Type": "application/json; charset=UTF-8"},
            json.dumps(value, separators=(",", ":")).encode(),
        )

    def send(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self._send_head(status, {**headers, **({} if status == 204 else {"Content-Length": str(len(body))})})
        if self.command != "HEAD" and body:
            self._send_bytes(body)

    def send_stream(self, response: HTTPResponse, headers: Mapping[str, str]) -> None:
        """Send the server's answer as it comes in, under other headers."""
        if "Content-Length" not in response.headers:
            headers = {**headers, "Connection": "close"}  # its end is the connection's
        else:
            headers = {**headers, "Content-Length": response.headers["Content-Length"]}
        self._send_head(response.status, headers)
        buffer = memoryview(bytearray(PIECE_BYTES))
        while count := response.readinto(buffer):
            self._send_bytes(buffer[:count])

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status, REASONS.get(status))
        for key, value in {**headers, **self.cors}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send_bytes(self, piece: "bytes | memoryview") -> None:
        # Counted before, as whoever received them may ask at once.
        self.server.traffic.count_bytes(self._object_key(), self.headers, len(piece))
        self.connection.sendall(piece)

    def _object_key(self) -> str:
        """Return "bucket/object", or the path if that names none."""
        match = OBJECT.fullmatch(self.path) or (IN_XML.fullmatch(self.path) if self.style == "xml" else None)
        return f"{unquote(match[1])}/{unquote(match[2])}" if match else self.path


def kept(headers: Message) -> dict[str, str]:
    """Return an answer's headers without those that concern a connection or are written anew."""
    dropped = {*OF_A_CONNECTION, "content-length", "date", "server"}
    return {key: value for key, value in headers.items() if key.lower() not in dropped}
