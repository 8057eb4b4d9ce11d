"""Signed addresses of one machine's objects. Knows no server: it is told what arrived and says what that may do."""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlencode

from shared.domain.attachment import attachment
from shared.domain.content_types import upload_headers
from shared.domain.grant import Action, Grant
from shared.domain.object_path import checked_parts
from shared.errors import BadRequest, NotAllowed
from shared.ports import Clock, SignedUpload

MAX_EXPIRES_S = 7 * 24 * 3600  # as on Cloud Storage
PURPOSE = b"montage: addresses of objects, 1"
"""Makes a key of its own out of the server's, so that no id of a job is ever a signature as well."""
METHODS: Mapping[Action, str] = {"begin": "POST", "put": "PUT", "get": "GET"}
ACTIONS: Mapping[str, Action] = {"POST": "begin", "PUT": "put", "GET": "get", "HEAD": "get"}
IN_QUERY: Mapping[Action, tuple[str, ...]] = {
    "begin": ("content_type", "expires", "max_bytes", "signature"),
    "put": ("content_type", "expires", "max_bytes", "signature"),
    "get": ("disposition", "expires", "signature"),
}
"""What the query holds, in this order, and nothing else."""
PATH = "/objects/"


class FolderUrls:
    """A UrlSigner of one bucket on this machine, and the judge of its addresses.

    Addresses begin with `public_url`. `server_key` is asked for when the first one is signed or judged, and
    `demand_room` before each upload: it raises TryAgain `disk_full` where so many bytes cannot be taken.
    """

    def __init__(
        self,
        bucket: str,
        *,
        public_url: str,
        server_key: Callable[[], bytes],
        clock: Clock = time.time,
        demand_room: Callable[[int], None] = lambda more_bytes: None,
    ) -> None:
        self._bucket = bucket
        self._public_url = public_url.rstrip("/")
        self._server_key = server_key
        self._clock = clock
        self._demand_room = demand_room

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that begins an upload in parts; its answer's `Location` takes them, for up to a week."""
        return self._upload("begin", name, content_type, max_bytes, expires_s)

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that takes the whole object as its body."""
        return self._upload("put", name, content_type, max_bytes, expires_s)

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        """Return an address that a browser saves under the user's file name, whatever characters are in that."""
        url, _ = self._signed("get", name, expires_s, {"disposition": attachment(file_name)})
        return url

    def session_url(self, name: str, token: str) -> str:
        """Return the address of an upload in parts that has begun: its token is all that is asked for."""
        return f"{self._address(name)}?upload_id={token}"

    def granted(self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]]) -> Grant:
        """Return what a request may do.

        Path and query are given as they arrived, encoded. Raises NotAllowed `bad_signature` for anything that was not
        signed, or not in these very bytes, `wrong_type` and `wrong_header` for other headers than those that were
        signed, and BadRequest `url_expired`.
        """
        action = ACTIONS.get(method)
        if action is None:
            raise _bad_signature("nothing is signed for this method")
        name = self.name_in(path)
        given = _parameters(action, query)
        if not hmac.compare_digest(given["signature"], self._signature(action, name, given)):
            raise _bad_signature("it was made for another request")
        if self._clock() >= int(given["expires"]):
            raise BadRequest("url_expired", "This address has expired; ask for a new one.")
        if action == "get":
            return Grant(action=action, name=name, disposition=given["disposition"])
        grant = Grant(action=action, name=name, content_type=given["content_type"], max_bytes=int(given["max_bytes"]))
        _check_headers(_headers(action, grant.content_type, grant.max_bytes), headers)
        return grant

    def name_in(self, path: str) -> str:
        """Return the object's name in an encoded path. Raises NotAllowed for every spelling but the signer's own."""
        _, _, rest = path.partition(f"{PATH}{self._bucket}/")
        try:
            name = unquote_to_bytes(rest).decode()
            checked_parts(name)
        except ValueError as error:
            raise _bad_signature("the path names no object") from error
        if _encoded(name) != rest:
            raise _bad_signature("the path is spelled in another way")
        return name

    def _upload(self, action: Action, name: str, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        self._demand_room(max_bytes)
        headers = _headers(action, content_type, max_bytes)
        said = {"content_type": content_type, "max_bytes": str(max_bytes)}
        url, expires_at = self._signed(action, name, expires_s, said)
        return SignedUpload(url=url, method=METHODS[action], headers=headers, expires_at=float(expires_at))

    def _signed(self, action: Action, name: str, expires_s: int, said: Mapping[str, str]) -> tuple[str, int]:
        """Return the address and when it expires."""
        checked_parts(name)
        if not 1 <= expires_s <= MAX_EXPIRES_S:
            raise ValueError(f"a signed address expires after 1 to {MAX_EXPIRES_S} s, not {expires_s}")
        expires_at = int(self._clock()) + expires_s
        given = {**said, "expires": str(expires_at)}
        given["signature"] = self._signature(action, name, given)
        return f"{self._address(name)}?{_query(action, given)}", expires_at

    def _address(self, name: str) -> str:
        return f"{self._public_url}{PATH}{self._bucket}/{_encoded(name)}"

    def _signature(self, action: Action, name: str, given: Mapping[str, str]) -> str:
        said = {key: given[key] for key in IN_QUERY[action] if key != "signature"}
        headers = _headers(action, given["content_type"], int(given["max_bytes"])) if action != "get" else {}
        signed = json.dumps([METHODS[action], self._bucket, name, said, headers], sort_keys=True)
        return hmac.digest(self._key, signed.encode(), hashlib.sha256).hex()

    @cached_property
    def _key(self) -> bytes:
        return hmac.digest(self._server_key(), PURPOSE, hashlib.sha256)


def _headers(action: Action, content_type: str, max_bytes: int) -> dict[str, str]:
    resumable = {"x-goog-resumable": "start"} if action == "begin" else {}
    return {**upload_headers(content_type, max_bytes), **resumable}


def _parameters(action: Action, query: str) -> dict[str, str]:
    """Return what the query says, each thing once and spelled as by the signer. Raises NotAllowed."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=8)
        given = dict(pairs)
        if tuple(key for key, _ in pairs) != IN_QUERY[action] or _query(action, given) != query:
            raise ValueError("something is missing, doubled, added or spelled in another way")
        if not (given["signature"].isascii() and given["expires"].isdecimal()):
            raise ValueError("it is no signature of ours")
        if action != "get":
            upload_headers(given["content_type"], int(given["max_bytes"]))
    except ValueError as error:
        raise _bad_signature(str(error)) from error
    return given


def _check_headers(signed: Mapping[str, str], headers: Iterable[tuple[str, str]]) -> None:
    """Raise NotAllowed unless each signed header was sent once, as signed, and none of their kind besides."""
    sent: dict[str, list[str]] = {}
    for key, value in headers:
        sent.setdefault(key.lower(), []).append(value.strip())
    for key, value in signed.items():
        if sent.get(key) != [value]:
            code = "wrong_type" if key == "content-type" else "wrong_header"
            found = ", ".join(sent.get(key, [])) or "nothing"
            raise NotAllowed(code, f"The header {key} must be {value!r}, as it was signed; {found[:120]!r} was sent.")
    # Else a program that works here could be refused by Cloud Storage, which takes no such header unsigned.
    if more := [key for key in sent if key.startswith("x-goog-") and key not in signed]:
        raise NotAllowed("wrong_header", f"The header {more[0][:120]!r} was sent, but not signed.")


def _query(action: Action, given: Mapping[str, str]) -> str:
    return urlencode([(key, given[key]) for key in IN_QUERY[action]], quote_via=quote, safe="~")


def _encoded(name: str) -> str:
    return quote(name, safe="/~")


def _bad_signature(why: str) -> NotAllowed:
    return NotAllowed("bad_signature", f"The signature does not fit the request: {why}.")
