"""What Google does between a push subscription and its endpoint, and its emulator does not: a signed token.

The relay stands between the emulator and the functions, adds an OIDC token like Google's to each push, and serves the
certificate that it can be checked with. The key is thrown away with the process. Receivers in this process stand for
other systems that subscribe.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from google.auth import crypt, jwt

from tests.emulators.signing_keys import signing_key

log = logging.getLogger(__name__)

Receiver = Callable[[bytes], None]
"""Takes the body of a push request; what it raises means "again"."""

ISSUER = "https://accounts.google.com"
TOKEN_LIVES_S = 3600  # as Google's do
PATIENCE_S = 60.0  # the subscriptions' ack deadline: Pub/Sub hangs up then
CERTS = "/certs"


class PushRelay:
    """Hands requests for /{name} on to that endpoint, or to a receiver here."""

    def __init__(self, *, audience: str, service_account: str) -> None:
        self.audience, self.service_account = audience, service_account
        self.endpoints: dict[str, str] = {}
        """Names to URLs."""
        self.receivers: dict[str, Receiver] = {}
        self.url = ""
        self._http = httpx.Client(timeout=PATIENCE_S)

    @property
    def certs_url(self) -> str:
        """What `push_certs_url` takes."""
        return f"{self.url}{CERTS}"

    def url_of(self, name: str) -> str:
        """Return where a subscription pushes what is for that endpoint or receiver."""
        return f"{self.url}/{name}"

    def token(self, **claims: object) -> str:
        """Return a token as Google signs it for a push; `claims` change it."""
        now = int(time.time())
        payload = {
            "iss": ISSUER,
            "aud": self.audience,
            "sub": "113774264463038321964",
            "email": self.service_account,
            "email_verified": True,
            "iat": now,
            "exp": now + TOKEN_LIVES_S,
        }
        signer = _signer(self.service_account)
        encoded: bytes = jwt.encode(signer, {**payload, **claims})  # type: ignore[no-untyped-call]
        return encoded.decode()

    def deliver(self, name: str, body: bytes, headers: Mapping[str, str] | None = None) -> int:
        """Hand a request on and return the status it was answered with."""
        if receiver := self.receivers.get(name):
            receiver(body)
            return HTTPStatus.NO_CONTENT
        if name not in self.endpoints:
            return HTTPStatus.NOT_FOUND
        sent = {"Content-Type": "application/json", **(headers or {}), "Authorization": f"Bearer {self.token()}"}
        return self._http.post(self.endpoints[name], content=body, headers=sent).status_code

    def close(self) -> None:
        self._http.close()


class _Handler(BaseHTTPRequestHandler):
    relay: PushRelay

    def do_GET(self) -> None:
        """Serve the certificate by its key's id, as Google does."""
        if self.path != CERTS:
            self._answer(HTTPStatus.NOT_FOUND)
            return
        account = self.relay.service_account
        self._answer(HTTPStatus.OK, json.dumps({key_id(account): _certificate(account)}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.path.strip("/")
        try:
            status = self.relay.deliver(name, body)
        except Exception as error:  # an endpoint that is away or a receiver that fails: Pub/Sub comes again
            log.warning("push to %s failed: %s", name, error)
            status = HTTPStatus.BAD_GATEWAY
        self._answer(status)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # the emulator hung up


@contextmanager
def push_relay(*, audience: str, service_account: str) -> Iterator[PushRelay]:
    """Run a relay until the block ends; endpoints and receivers may be added while it runs."""
    relay = PushRelay(audience=audience, service_account=service_account)
    handler = type("Handler", (_Handler,), {"relay": relay})
    with _Server(("127.0.0.1", 0), handler) as server:
        relay.url = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="push-relay")
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
            relay.close()


def key_id(account: str) -> str:
    """Return the id that a token's header and the certificates know an account's key by."""
    return f"{account}-1"


def _signer(account: str) -> crypt.RSASigner:
    pem = signing_key(account).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    made: crypt.RSASigner = crypt.RSASigner.from_string(pem, key_id(account))  # type: ignore[no-untyped-call]
    return made


def _certificate(account: str) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push.montage.test")])
    key, now = signing_key(account), datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()
