"""Signed addresses (V4) of one bucket's objects: by a private key where there is one, else by IAM's signBlob."""

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth
from google.api_core import exceptions
from google.auth import iam
from google.auth.credentials import AnonymousCredentials, Credentials, Signing
from google.auth.transport import Request as Transport
from google.auth.transport.requests import Request
from google.cloud.storage import Client
from google.oauth2 import service_account

from shared.adapters.gcp.failures import translated
from shared.domain.attachment import attachment
from shared.domain.content_types import upload_headers
from shared.domain.object_path import checked_parts
from shared.errors import MontageError
from shared.ports import SignedUpload

MAX_EXPIRES_S = 7 * 24 * 3600  # Cloud Storage's own limit
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)  # 404: there is no such account
SIGNING_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class SignedUrls:
    """A UrlSigner of one bucket.

    Two accounts sign, so that an address can do no more than its account: `uploads` may create objects and nothing
    else, `downloads` may read them and nothing else. What they may not do fails when the address is used.
    """

    def __init__(self, client: Client, bucket: str, *, uploads: Signing, downloads: Signing) -> None:
        self._bucket = client.bucket(bucket)
        self._uploads = uploads
        self._downloads = downloads

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that begins an upload in parts; its answer's `Location` takes them, for up to a week."""
        headers = {**upload_headers(content_type, max_bytes), "x-goog-resumable": "start"}
        return self._upload(name, "POST", headers, expires_s)

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that takes the whole object as its body."""
        return self._upload(name, "PUT", upload_headers(content_type, max_bytes), expires_s)

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        """Return an address that a browser saves under the user's file name, whatever characters are in that."""
        return self._signed(
            name, "GET", expires_s, credentials=self._downloads, response_disposition=attachment(file_name)
        )

    def _upload(self, name: str, method: str, headers: Mapping[str, str], expires_s: int) -> SignedUpload:
        url = self._signed(name, method, expires_s, credentials=self._uploads, headers=dict(headers))
        return SignedUpload(url=url, method=method, headers=headers, expires_at=_expires_at(url))

    def _signed(self, name: str, method: str, expires_s: int, *, credentials: Signing, **what: Any) -> str:
        checked_parts(name)
        if not 1 <= expires_s <= MAX_EXPIRES_S:
            raise ValueError(f"a signed address expires after 1 to {MAX_EXPIRES_S} s, not {expires_s}")
        with translated(f"Signing an address of {name}"):
            url: str = self._bucket.blob(name).generate_signed_url(
                version="v4", method=method, expiration=expires_s, credentials=credentials, **what
            )
        return url


class KeylessSigning(Signing):
    """Signs as a service account through IAM's signBlob; `credentials` are who asks, and may do that."""

    def __init__(self, credentials: Credentials, *, email: str, timeout_s: float, transport: Transport | None = None):
        self._email = email
        strict = _StrictTransport(transport or Request(), timeout_s)
        self._iam = iam.Signer(strict, credentials, email)  # type: ignore[no-untyped-call]

    @property
    def signer_email(self) -> str:
        return self._email

    @property
    def signer(self) -> iam.Signer:
        return self._iam

    def sign_bytes(self, message: bytes) -> bytes:
        """Return the signature. The client tries again, bounded and jittered, while IAM is busy."""
        signature: bytes = self._iam.sign(message)
        return signature


def signing(
    email: str, *, timeout_s: float, credentials: Credentials | None = None, emulator_host: str | None = None
) -> Signing:
    """Return what signs as the service account: its private key if the credentials hold it, else IAM.

    Without credentials the environment's are used, but where an emulator stands for IAM: that asks for none.
    """
    if emulator_host:
        anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
        return KeylessSigning(
            anonymous, email=_named(email), timeout_s=timeout_s, transport=_EmulatedTransport(emulator_host)
        )
    if credentials is None:
        credentials, _ = google.auth.default(scopes=[SIGNING_SCOPE])
    # A metadata server's credentials can sign, too, but through IAM and as themselves: only a key file's hold a key.
    if isinstance(credentials, service_account.Credentials) and email in ("", credentials.signer_email):
        return credentials
    return KeylessSigning(credentials, email=_named(email), timeout_s=timeout_s)


def _named(email: str) -> str:
    if not email:
        raise MontageError("not_configured", "No service account is named that signs addresses, and there is no key.")
    return email


class _EmulatedTransport(Request):
    """A transport that asks an emulator what it was to ask IAM."""

    def __init__(self, host: str) -> None:
        super().__init__()
        self._host = host

    def __call__(self, url: str, *args: Any, **options: Any) -> Any:
        there = urlsplit(url)._replace(scheme="http", netloc=self._host).geturl()
        return super().__call__(there, *args, **options)  # type: ignore[no-untyped-call]


class _StrictTransport:
    """A transport with a timeout of ours, whose refusals can be told from trouble that passes."""

    def __init__(self, transport: Transport, timeout_s: float) -> None:
        self._transport = transport
        self._timeout_s = timeout_s

    def __call__(self, *args: Any, **options: Any) -> Any:
        response = self._transport(*args, **{"timeout": self._timeout_s, **options})
        if response.status in REFUSALS:
            raise exceptions.Forbidden(response.data.decode(errors="replace"))  # type: ignore[no-untyped-call]
        if response.status == HTTPStatus.BAD_REQUEST:  # an address of ours that is no service account
            raise exceptions.InvalidArgument(response.data.decode(errors="replace"))  # type: ignore[no-untyped-call]
        return response


def _expires_at(url: str) -> float:
    """Return when a signed address ends, by its own words."""
    query = parse_qs(urlsplit(url).query)
    signed_at = datetime.strptime(query["X-Goog-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return signed_at.timestamp() + int(query["X-Goog-Expires"][0])
