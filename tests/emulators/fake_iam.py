"""IAM's signBlob on this machine: signs as the service accounts it knows, with keys that are thrown away.

Google has no emulator of it. Nobody's right to sign is asked after; accounts it does not know are not found.
"""

import base64
import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256

from tests.emulators.signing_keys import signing_key

PATH = re.compile(r"/v1/projects/-/serviceAccounts/([^/:]+):signBlob")
MOST_BODY_BYTES = 1024**2


@dataclass(kw_only=True)
class FakeIam:
    """The running service."""

    host: str
    """host:port"""
    accounts: frozenset[str]
    signed_as: list[str] = field(default_factory=list)
    """Whose signatures were asked for and given, in order."""


@contextmanager
def fake_iam(accounts: Collection[str]) -> Iterator[FakeIam]:
    """Sign as these accounts until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(MOST_BODY_BYTES, int(self.headers.get("Content-Length", "0"))))
            self._answer(*_answer(served, self.path, body))

        def _answer(self, status: int, told: object) -> None:
            body = json.dumps(told).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        served = FakeIam(host=f"127.0.0.1:{server.server_address[1]}", accounts=frozenset(accounts))
        thread = threading.Thread(target=server.serve_forever, name="fake-iam")
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


def _answer(iam: FakeIam, path: str, body: bytes) -> tuple[int, object]:
    named = PATH.fullmatch(unquote(path))
    if named is None or named[1] not in iam.accounts:
        return 404, _error(404, "NOT_FOUND", "Unknown service account")
    try:
        payload = base64.b64decode(json.loads(body)["payload"], validate=True)
    except (ValueError, KeyError, TypeError):
        return 400, _error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
    iam.signed_as.append(named[1])
    signature = signing_key(named[1]).sign(payload, padding.PKCS1v15(), SHA256())
    return 200, {"keyId": "thrown-away", "signedBlob": base64.b64encode(signature).decode()}


def _error(code: int, status: str, message: str) -> object:
    return {"error": {"code": code, "message": message, "status": status}}
