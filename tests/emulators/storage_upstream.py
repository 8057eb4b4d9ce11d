"""The server behind the proxy, over one connection."""

import http.client
import json
from collections.abc import Mapping
from email.message import Message
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from tests.emulators.upload_sessions import Upload

TIMEOUT_S = 60.0
BOUNDARY = "proxied-upload"


def object_path(bucket: str, name: str) -> str:
    """Return the JSON API's path of an object."""
    return f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"


class Upstream:
    """Asks one thing after the other; not for several threads."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self.host = f"127.0.0.1:{port}"
        """What the client calls us: answers link to it, and clients download by links, so never round the proxy."""

    def close(self) -> None:
        """Also forgets an answer that was not read; the next request connects anew."""
        self._connection.close()

    def request(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> http.client.HTTPResponse:
        """Return the answer, its body unread."""
        self._connection.request(method, target, body or None, {**headers, "Host": self.host})
        return self._connection.getresponse()

    def ask(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> tuple[int, Message, bytes]:
        """Return status, headers and body of the answer."""
        response = self.request(method, target, headers or {}, body)
        return response.status, response.headers, response.read()

    def resource(self, bucket: str, name: str) -> dict[str, Any] | None:
        """Return an object as the JSON API describes it, None if it is not there."""
        status, _, body = self.ask("GET", object_path(bucket, name))
        found: dict[str, Any] | None = json.loads(body) if status == 200 else None
        return found

    def insert(
        self, upload: Upload, parameters: Mapping[str, str], file: BinaryIO, *, start: int, size_bytes: int
    ) -> tuple[int, bytes]:
        """Store bytes of a file as the object in one multipart request: the one kind that knows preconditions."""
        resource = json.dumps({**upload.resource, "name": upload.name})
        kind = upload.resource.get("contentType", "application/octet-stream")
        part = f"--{BOUNDARY}\r\nContent-Type: "
        before = f"{part}application/json; charset=UTF-8\r\n\r\n{resource}\r\n{part}{kind}\r\n\r\n".encode()
        after = f"\r\n--{BOUNDARY}--\r\n".encode()
        query = urlencode({**parameters, "uploadType": "multipart", "name": upload.name})
        connection = self._connection
        connection.putrequest("POST", f"/upload/storage/v1/b/{quote(upload.bucket, safe='')}/o?{query}", skip_host=True)
        connection.putheader("Host", self.host)
        connection.putheader("Content-Type", f'multipart/related; boundary="{BOUNDARY}"')
        connection.putheader("Content-Length", str(len(before) + size_bytes + len(after)))
        connection.endheaders(before)
        if size_bytes:
            connection.sock.sendfile(file, start, size_bytes)
        connection.send(after)
        response = connection.getresponse()
        return response.status, response.read()
