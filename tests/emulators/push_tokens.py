"""OIDC tokens as Google sends them with pushes, and a server of the certificates they are checked by."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from google.auth import jwt

from tests.emulators.signing_keys import signing_key, with_key

SIGNER = "federated-signon@google.example"
"""Whose key signs here what Google's own signs there."""
KEY_ID = "google-1"


def push_token(*, audience: str, email: str, key_id: str = KEY_ID, signer: str = SIGNER, **claims: object) -> str:
    """Return a token that is good for an hour; `claims` adds, replaces and, by None, removes."""
    now = int(time.time())
    payload = {
        "aud": audience,
        "azp": "113774264463038321964",
        "email": email,
        "email_verified": True,
        "exp": now + 3600,
        "iat": now,
        "iss": "https://accounts.google.com",
        "sub": "113774264463038321964",
        **claims,
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    token: bytes = jwt.encode(with_key(signer).signer, payload, key_id=key_id)  # type: ignore[no-untyped-call]
    return token.decode()


def certificate(key: RSAPrivateKey) -> str:
    """Return a certificate of the key, in PEM."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "federated-signon.example")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
    )
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


@dataclass(kw_only=True)
class Certs:
    """What the server answers, and how often it was asked."""

    url: str = ""
    by_key_id: dict[str, str] = field(default_factory=dict)
    status: int = 200
    requests: int = 0


@contextmanager
def certs_server() -> Iterator[Certs]:
    """Serve the certificate of `push_token`'s key until the block ends."""
    certs = Certs(by_key_id={KEY_ID: certificate(signing_key(SIGNER))})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            certs.requests += 1
            body = json.dumps(certs.by_key_id).encode()
            self.send_response(certs.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        certs.url = f"http://127.0.0.1:{server.server_port}/certs"
        try:
            yield certs
        finally:
            server.shutdown()
