"""V4 signed URLs, checked against the request as it was really received."""

import binascii
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.message import Message
from urllib.parse import quote, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from tests.emulators.storage_refusals import Refusal

ALGORITHM = "GOOG4-RSA-SHA256"
MAX_EXPIRES_S = 7 * 24 * 3600
MAX_EARLY = timedelta(minutes=15)  # a signer's clock may be ahead of the store's by this much
PARAMETERS = (
    "X-Goog-Algorithm",
    "X-Goog-Credential",
    "X-Goog-Date",
    "X-Goog-Expires",
    "X-Goog-SignedHeaders",
    "X-Goog-Signature",
)


def signer(
    method: str,
    path: str,
    query: Sequence[tuple[str, str]],
    headers: Message,
    *,
    keys: Mapping[str, RSAPublicKey],
    now_s: float,
) -> str:
    """Return the account that signed this very request.

    `path` is percent-encoded as received, `query` is decoded. Raises Refusal: 403 for anything unsigned, tampered with
    or not signed though it had to be, 400 for what has expired or may not be asked for.
    """
    given = _parameters(query)
    account, signed_at = _credential(given)
    expires_s = _expires_s(given["X-Goog-Expires"])
    request = _canonical_request(method, path, query, headers, given["X-Goog-SignedHeaders"])
    scope = given["X-Goog-Credential"].partition("/")[2]
    digest = hashlib.sha256(request.encode()).hexdigest()
    _verify(keys.get(account), given["X-Goog-Signature"], f"{ALGORITHM}\n{given['X-Goog-Date']}\n{scope}\n{digest}")
    now = datetime.fromtimestamp(now_s, UTC)
    if now < signed_at - MAX_EARLY:
        raise Refusal(403, "AccessDenied", f"The URL is not valid before {signed_at.isoformat()}.")
    if now >= signed_at + timedelta(seconds=expires_s):
        raise Refusal(400, "ExpiredToken", f"The URL expired {expires_s} s after {signed_at.isoformat()}.")
    return account


def _parameters(query: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return the six parameters of a signed URL, each of which must be there once."""
    names = [name for name, _ in query]
    if not any(name in names for name in PARAMETERS):
        raise Refusal(403, "AccessDenied", "Anonymous caller does not have access: the URL is not signed.")
    if any(names.count(name) != 1 for name in PARAMETERS):
        raise _does_not_match("a parameter of the signature is missing or doubled")
    given = {name: value for name, value in query if name in PARAMETERS}
    if given["X-Goog-Algorithm"] != ALGORITHM:
        raise _does_not_match(f"the algorithm is not {ALGORITHM}")
    return given


def _credential(given: Mapping[str, str]) -> tuple[str, datetime]:
    """Return the account and when it signed."""
    account, _, scope = given["X-Goog-Credential"].partition("/")
    try:
        signed_at = datetime.strptime(given["X-Goog-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise _does_not_match("X-Goog-Date is no time") from None
    if scope != f"{given['X-Goog-Date'][:8]}/auto/storage/goog4_request":
        raise _does_not_match("the credential's scope is another day's or another service's")
    return account, signed_at


def _expires_s(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise _does_not_match("X-Goog-Expires is no number")
    if not 0 < int(text) <= MAX_EXPIRES_S:
        raise Refusal(400, "InvalidArgument", f"X-Goog-Expires must lie between 1 and {MAX_EXPIRES_S} seconds.")
    return int(text)


def _canonical_request(
    method: str, path: str, query: Sequence[tuple[str, str]], headers: Message, signed_headers: str
) -> str:
    names = signed_headers.split(";")
    if "host" not in names:
        raise _does_not_match("the host is not signed")
    for name in {name.lower() for name in headers}:
        # Else whoever holds the URL could add what its signer did not mean, e.g. metadata.
        if name.startswith("x-goog-") and name not in names:
            raise _does_not_match(f"the header {name} was sent, but not signed")
    for name in names:
        if name not in headers:
            raise Refusal(400, "MalformedSecurityHeader", f"The header {name} was signed, but not sent.")
    lines = [f"{name}:{','.join(' '.join(value.split()) for value in headers.get_all(name, []))}" for name in names]
    pairs = sorted(f"{_encoded(name)}={_encoded(value)}" for name, value in query if name != "X-Goog-Signature")
    payload = headers.get("x-goog-content-sha256", "UNSIGNED-PAYLOAD")
    resource = quote(unquote(path), safe="/~")
    return "\n".join([method, resource, "&".join(pairs), *lines, "", signed_headers, payload])


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _verify(key: RSAPublicKey | None, signature: str, signed: str) -> None:
    if key is None:
        raise _does_not_match("nobody knows this account")
    try:
        key.verify(binascii.unhexlify(signature), signed.encode(), padding.PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise _does_not_match("it was made for another request") from None


def _does_not_match(why: str) -> Refusal:
    return Refusal(403, "SignatureDoesNotMatch", f"The signature does not fit the request: {why}.")
