import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import Request
from google.cloud.storage import Client
from google.oauth2.credentials import Credentials as UserCredentials

from shared.adapters.gcp.signed_urls import MAX_EXPIRES_S, KeylessSigning, SignedUrls, signing
from shared.errors import MontageError, TryAgain
from shared.ports import SignedUpload, UrlSigner
from tests.emulators.signing_keys import signing_key, with_key

UPLOADER = "uploader@montage-test.iam.gserviceaccount.com"
DOWNLOADER = "downloader@montage-test.iam.gserviceaccount.com"
SOURCE = "uploads/abc/source"
GB = 1024**3


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(project="montage-test", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    yield client
    client.close()


@pytest.fixture
def urls(client: Client) -> UrlSigner:
    return SignedUrls(client, "montage-uploads", uploads=with_key(UPLOADER), downloads=with_key(DOWNLOADER))


def verified(email: str, url: str, method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Check a request's signature as Cloud Storage does, from what arrives there, and return its query."""
    address = urlsplit(url)
    query = dict(parse_qsl(address.query, strict_parsing=True, keep_blank_values=True))
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    arrived = {name.lower(): " ".join(value.split()) for name, value in headers.items()} | {"host": address.netloc}
    signed = query["X-Goog-SignedHeaders"].split(";")
    assert set(signed) == set(arrived), "nothing goes unsigned, and nothing signed is missing"
    request = [
        method,
        quote(unquote(address.path), safe="/~"),
        "&".join(f"{quote(name, safe='~')}={quote(query[name], safe='~')}" for name in sorted(query)),
        *(f"{name}:{arrived[name]}" for name in sorted(signed)),
        "",
        ";".join(sorted(signed)),
        "UNSIGNED-PAYLOAD",
    ]
    signer, _, scope = query["X-Goog-Credential"].partition("/")
    assert signer == email
    assert scope == f"{query['X-Goog-Date'][:8]}/auto/storage/goog4_request"
    digest = hashlib.sha256("\n".join(request).encode()).hexdigest()
    said = "\n".join(["GOOG4-RSA-SHA256", query["X-Goog-Date"], scope, digest])
    signing_key(email).public_key().verify(signature, said.encode(), padding.PKCS1v15(), hashes.SHA256())
    return query


def verified_upload(upload: SignedUpload) -> dict[str, str]:
    return verified(UPLOADER, upload.url, upload.method, upload.headers)


def test_a_resumable_upload_is_bound_to_type_size_and_a_free_name(urls: UrlSigner) -> None:
    before = int(time.time())
    upload = urls.resumable_upload(SOURCE, content_type="video/mp4", max_bytes=5 * GB, expires_s=900)
    assert upload.method == "POST"
    assert upload.url.startswith("https://storage.googleapis.com/montage-uploads/uploads/abc/source?")
    assert dict(upload.headers) == {
        "content-type": "video/mp4",
        "x-goog-content-length-range": f"0,{5 * GB}",
        "x-goog-if-generation-match": "0",
        "x-goog-resumable": "start",
    }
    assert verified_upload(upload)["X-Goog-Expires"] == "900"
    assert before + 900 <= upload.expires_at <= time.time() + 900


def test_a_single_upload_is_bound_in_the_same_way(urls: UrlSigner) -> None:
    upload = urls.single_upload(SOURCE, content_type="video/quicktime", max_bytes=1000, expires_s=60)
    assert upload.method == "PUT"
    assert dict(upload.headers) == {
        "content-type": "video/quicktime",
        "x-goog-content-length-range": "0,1000",
        "x-goog-if-generation-match": "0",
    }
    verified_upload(upload)


@pytest.mark.parametrize(
    "change",
    [
        {"content-type": "text/html"},
        {"x-goog-content-length-range": "0,9999999"},
        {"x-goog-if-generation-match": "7"},
    ],
)
def test_a_bound_cannot_be_loosened(urls: UrlSigner, change: dict[str, str]) -> None:
    upload = urls.single_upload(SOURCE, content_type="video/mp4", max_bytes=1000, expires_s=60)
    with pytest.raises(InvalidSignature):
        verified(UPLOADER, upload.url, upload.method, {**upload.headers, **change})


def test_a_download_is_signed_by_the_other_account(urls: UrlSigner) -> None:
    url = urls.download(SOURCE, file_name="My ride.mp4", expires_s=600)
    query = verified(DOWNLOADER, url, "GET", {})
    assert query["X-Goog-Expires"] == "600"
    assert query["response-content-disposition"] == (
        "attachment; filename=\"My ride.mp4\"; filename*=UTF-8''My%20ride.mp4"
    )


@pytest.mark.parametrize("file_name", ['a"b\r\nSet-Cookie: x.mp4', "名前 é.mp4", "a&b=c?d#e+f%41.mp4", "'()*!~;,.mp4"])
@pytest.mark.parametrize("name", [SOURCE, "a b/ü'()*!~+&=?#%41"])
def test_odd_names_are_signed_as_they_arrive(urls: UrlSigner, name: str, file_name: str) -> None:
    url = urls.download(name, file_name=file_name, expires_s=600)
    assert url.isascii() and url.isprintable() and " " not in url
    assert unquote(urlsplit(url).path) == f"/montage-uploads/{name}"
    disposition = verified(DOWNLOADER, url, "GET", {})["response-content-disposition"]
    assert disposition.isascii() and disposition.isprintable()


def test_addresses_lead_to_where_the_client_is_told_cloud_storage_is() -> None:
    client = Client(
        project="montage-test",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options={"api_endpoint": "http://127.0.0.1:9023"},
    )
    urls = SignedUrls(client, "montage-uploads", uploads=with_key(UPLOADER), downloads=with_key(DOWNLOADER))
    upload = urls.resumable_upload(SOURCE, content_type="video/mp4", max_bytes=1, expires_s=1)
    assert upload.url.startswith("http://127.0.0.1:9023/montage-uploads/uploads/abc/source?")
    verified_upload(upload)
    client.close()


def test_nothing_is_signed_for_more_than_seven_days(urls: UrlSigner) -> None:
    urls.download(SOURCE, file_name="a", expires_s=MAX_EXPIRES_S)
    for expires_s in (0, -1, MAX_EXPIRES_S + 1):
        with pytest.raises(ValueError, match="expires"):
            urls.download(SOURCE, file_name="a", expires_s=expires_s)
        with pytest.raises(ValueError, match="expires"):
            urls.resumable_upload(SOURCE, content_type="video/mp4", max_bytes=1, expires_s=expires_s)


@pytest.mark.parametrize(
    "content_type", ["", "video", "video/mp4\r\nx-goog-acl: public-read", "video/mp4; a=b", "a/b/c"]
)
def test_what_is_no_media_type_is_not_signed(urls: UrlSigner, content_type: str) -> None:
    with pytest.raises(ValueError, match="media type"):
        urls.single_upload(SOURCE, content_type=content_type, max_bytes=1, expires_s=60)


def test_other_nonsense_is_not_signed(urls: UrlSigner) -> None:
    with pytest.raises(ValueError, match="bytes"):
        urls.single_upload(SOURCE, content_type="video/mp4", max_bytes=0, expires_s=60)
    with pytest.raises(ValueError, match="name"):
        urls.download("../other-bucket/a", file_name="a", expires_s=60)


@dataclass(kw_only=True)
class Iam:
    """What plays IAM's signBlob and the token server, and what it saw."""

    url: str
    tokens: int = 0
    seen: list[tuple[str, str]] = field(default_factory=list)
    """(path, authorization) of each signBlob."""
    refusals: list[int] = field(default_factory=list)
    """Statuses to answer first."""

    def credentials(self) -> UserCredentials:
        """Return credentials whose token must be fetched first."""
        return UserCredentials(  # type: ignore[no-untyped-call]
            token=None, refresh_token="again", token_uri=f"{self.url}/token", client_id="us", client_secret="secret"
        )

    def answer(self, path: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if path == "/token":
            self.tokens += 1
            return 200, {"access_token": f"token-{self.tokens}", "expires_in": 3600}
        self.seen.append((path, authorization))
        if self.refusals:
            return self.refusals.pop(0), {"error": "no"}
        email = path.removeprefix("/v1/projects/-/serviceAccounts/").removesuffix(":signBlob")
        message = base64.b64decode(json.loads(body)["payload"])
        signature = signing_key(email).sign(message, padding.PKCS1v15(), hashes.SHA256())
        return 200, {"keyId": "1", "signedBlob": base64.b64encode(signature).decode()}


class Rerouted(Request):
    """Takes what is meant for IAM to the one that plays it, over HTTP as ever."""

    def __init__(self, iam: Iam) -> None:
        super().__init__()
        self._iam = iam
        self.timeouts: list[float] = []

    def __call__(self, url: str, *args: Any, **options: Any) -> Any:
        self.timeouts.append(options["timeout"])
        local = url.replace("https://iamcredentials.googleapis.com", self._iam.url)
        return super().__call__(local, *args, **options)  # type: ignore[no-untyped-call]


@pytest.fixture
def iam() -> Iterator[Iam]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, answer = played.answer(self.path, self.headers.get("Authorization", ""), body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    played = Iam(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield played
    server.shutdown()
    server.server_close()
    thread.join()


def keyless(client: Client, iam: Iam, transport: Rerouted) -> SignedUrls:
    ambient = iam.credentials()
    uploads, downloads = (
        KeylessSigning(ambient, email=email, timeout_s=3.0, transport=transport) for email in (UPLOADER, DOWNLOADER)
    )
    return SignedUrls(client, "montage-uploads", uploads=uploads, downloads=downloads)


def test_without_a_key_each_account_signs_through_iam(client: Client, iam: Iam) -> None:
    transport = Rerouted(iam)
    urls = keyless(client, iam, transport)
    verified_upload(urls.resumable_upload(SOURCE, content_type="video/mp4", max_bytes=GB, expires_s=60))
    verified(DOWNLOADER, urls.download(SOURCE, file_name="a.mp4", expires_s=60), "GET", {})
    prefix = "/v1/projects/-/serviceAccounts/"
    assert iam.seen == [
        (f"{prefix}{UPLOADER}:signBlob", "Bearer token-1"),
        (f"{prefix}{DOWNLOADER}:signBlob", "Bearer token-1"),
    ]
    assert iam.tokens == 1
    assert set(transport.timeouts) == {3.0}


def test_an_iam_that_is_busy_is_asked_again(client: Client, iam: Iam) -> None:
    iam.refusals.append(503)
    urls = keyless(client, iam, Rerouted(iam))
    verified(DOWNLOADER, urls.download(SOURCE, file_name="a.mp4", expires_s=60), "GET", {})
    assert len(iam.seen) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_account_that_may_not_sign_is_said_at_once(client: Client, iam: Iam, status: int) -> None:
    iam.refusals.append(status)
    with pytest.raises(MontageError) as caught:
        keyless(client, iam, Rerouted(iam)).download(SOURCE, file_name="a.mp4", expires_s=60)
    assert caught.value.code == "not_allowed"
    assert len(iam.seen) == 1


def test_an_iam_that_cannot_be_reached_is_trouble_that_passes(client: Client) -> None:
    nobody = Iam(url="http://127.0.0.1:9")
    with pytest.raises(TryAgain):
        keyless(client, nobody, Rerouted(nobody)).download(SOURCE, file_name="a.mp4", expires_s=60)


def test_a_key_signs_for_its_own_account_only() -> None:
    own = with_key(UPLOADER)
    assert signing(UPLOADER, timeout_s=1.0, credentials=own) is own
    assert signing("", timeout_s=1.0, credentials=own) is own
    other = signing(DOWNLOADER, timeout_s=1.0, credentials=own)
    assert isinstance(other, KeylessSigning) and other.signer_email == DOWNLOADER


def test_an_account_without_a_key_must_be_named(iam: Iam) -> None:
    assert isinstance(signing(UPLOADER, timeout_s=1.0, credentials=iam.credentials()), KeylessSigning)
    with pytest.raises(MontageError) as caught:
        signing("", timeout_s=1.0, credentials=iam.credentials())
    assert caught.value.code == "not_configured"
