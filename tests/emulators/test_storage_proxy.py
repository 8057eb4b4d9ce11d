"""The storage proxy accepts and refuses what Cloud Storage would."""

import base64
import hashlib
import http.client
import io
import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Blob, Client
from google.oauth2.service_account import Credentials

from tests.emulators.storage_proxy import TASK_HEADER, StorageProxy, storage_proxy

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

KIB = 1024
QUANTUM = 256 * KIB
UPLOADER = "uploader@montage-test.iam.gserviceaccount.com"
DOWNLOADER = "downloader@montage-test.iam.gserviceaccount.com"
STRANGER = "stranger@montage-test.iam.gserviceaccount.com"
PAGE = "https://montage.example"
WRITERS = 32


class Accounts:
    """Service accounts with keys that were made a moment ago."""

    def __init__(self) -> None:
        self._keys = {name: rsa.generate_private_key(65537, 2048) for name in (UPLOADER, DOWNLOADER, STRANGER)}

    def public_keys(self) -> dict[str, bytes]:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        keys = {
            name: key.public_key().public_bytes(serialization.Encoding.PEM, form) for name, key in self._keys.items()
        }
        del keys[STRANGER]
        return keys

    def credentials(self, name: str) -> Credentials:
        pem = self._keys[name].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        info = {"client_email": name, "private_key": pem.decode(), "token_uri": "http://127.0.0.1:9/none"}
        return Credentials.from_service_account_info(info)  # type: ignore[no-untyped-call,no-any-return]


class Store:
    """A proxy, its clock and its clients."""

    def __init__(self, proxy: StorageProxy, accounts: Accounts, events: list[dict[str, Any]], hours: list[float]):
        self.proxy = proxy
        self.accounts = accounts
        self.events = events
        self.hours = hours
        self.http = httpx.Client(timeout=10)
        anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
        self.client = Client(project="montage-test", credentials=anonymous, client_options={"api_endpoint": proxy.url})

    def close(self) -> None:
        self.http.close()
        self.client.close()

    def blob(self, name: str, bucket: str = "uploads") -> Blob:
        return self.client.bucket(bucket).blob(name)

    def content(self, name: str, bucket: str = "uploads") -> bytes:
        return bytes(self.blob(name, bucket).download_as_bytes())

    def is_there(self, name: str, bucket: str = "uploads") -> bool:
        return bool(self.blob(name, bucket).exists())

    def sign(self, name: str, method: str, *, by: str = UPLOADER, bucket: str = "uploads", **options: Any) -> str:
        return str(
            self.blob(name, bucket).generate_signed_url(
                version="v4",
                method=method,
                expiration=options.pop("expiration", 600),
                credentials=self.accounts.credentials(by),
                api_access_endpoint=self.proxy.url,
                **options,
            )
        )

    def put_url(self, name: str, headers: Mapping[str, str], **options: Any) -> str:
        rest = {key: value for key, value in headers.items() if key != "Content-Type"}
        return self.sign(name, "PUT", content_type=headers.get("Content-Type"), headers=rest, **options)

    def begin(self, name: str, headers: Mapping[str, str] | None = None, *, origin: str | None = None) -> str:
        """Start a resumable upload by a signed URL and return its session's."""
        headers = {**FOR_UPLOAD, **(headers or {})}
        rest = {key: value for key, value in headers.items() if key != "Content-Type"}
        url = self.sign(name, "RESUMABLE", content_type=headers["Content-Type"], headers=rest)
        answer = self.http.post(
            url, headers={**headers, "x-goog-resumable": "start", **({"Origin": origin} if origin else {})}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"])

    def send(self, session: str, data: bytes, first: int, total: int | str, **headers: str) -> httpx.Response:
        """Send bytes [first, first + len(data)) of an upload."""
        said = f"bytes {first}-{first + len(data) - 1}/{total}"
        return self.http.put(session, content=data, headers={"Content-Range": said, **headers})

    def ask(self, session: str, total: int | str = "*") -> httpx.Response:
        return self.http.put(session, headers={"Content-Range": f"bytes */{total}"})


FOR_UPLOAD = {
    "Content-Type": "video/mp4",
    "x-goog-if-generation-match": "0",
    "x-goog-content-length-range": "1,4000000",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    accounts, events, hours = Accounts(), list[dict[str, Any]](), [0.0]
    with storage_proxy(
        tmp_path_factory.mktemp("storage"),
        keys=accounts.public_keys(),
        rights={
            UPLOADER: {("create", "uploads")},
            DOWNLOADER: {("get", "downloads"), ("get", "uploads")},
        },
        origins=[PAGE],
        on_finalized=events.append,
        clock=lambda: time.time() + 3600 * hours[0],
    ) as proxy:
        store = Store(proxy, accounts, events, hours)
        for bucket in ("uploads", "downloads", "work"):
            store.client.create_bucket(bucket)
        yield store
        store.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """Return an object's name that no other test has."""
    return f"a folder/{request.node.name}"


def code(answer: httpx.Response) -> str:
    """Return the code in an error's XML."""
    found = re.search("<Code>(.*)</Code>", answer.text)
    return found[1] if found else ""


# Signed PUT and GET.


def test_a_whole_upload_is_stored_with_its_type_and_metadata(store: Store, name: str) -> None:
    headers = {**FOR_UPLOAD, "x-goog-meta-owner": "me"}
    answer = store.http.put(store.put_url(name, headers), content=b"film", headers=headers)
    assert answer.status_code == 200, answer.text
    blob = store.client.bucket("uploads").get_blob(name)
    assert (blob.content_type, blob.size, blob.metadata) == ("video/mp4", 4, {"owner": "me"})
    assert str(blob.generation) == answer.headers["x-goog-generation"]


def test_a_second_write_is_refused(store: Store, name: str) -> None:
    url = store.put_url(name, FOR_UPLOAD)
    assert store.http.put(url, content=b"first", headers=FOR_UPLOAD).status_code == 200
    again = store.http.put(url, content=b"second", headers=FOR_UPLOAD)
    assert (again.status_code, code(again)) == (412, "PreconditionFailed")
    assert store.content(name) == b"first"


def test_an_account_that_may_only_create_never_overwrites(store: Store, name: str) -> None:
    headers = {"Content-Type": "video/mp4"}
    url = store.put_url(name, headers)
    assert store.http.put(url, content=b"first", headers=headers).status_code == 200
    again = store.http.put(url, content=b"second", headers=headers)
    assert (again.status_code, code(again)) == (403, "AccessDenied")
    assert store.content(name) == b"first"


PUT_PARAMETERS = ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"]


@pytest.mark.parametrize("parameter", [f"X-Goog-{word}" for word in PUT_PARAMETERS])
@pytest.mark.parametrize("change", ["other", "missing", "doubled"])
def test_a_tampered_parameter_is_refused(store: Store, name: str, parameter: str, change: str) -> None:
    url = store.put_url(name, FOR_UPLOAD)
    base, _, query = url.partition("?")
    [value] = [value for key, value in parse_qsl(query) if key == parameter]
    other = {"X-Goog-Expires": "604800", "X-Goog-SignedHeaders": "host", "X-Goog-Date": "20260101T000000Z"}
    last = "1" if value.endswith("0") else "0"
    instead = {"other": [other.get(parameter, value[:-1] + last)], "missing": [], "doubled": [value, value]}[change]
    pairs = [pair for pair in parse_qsl(query) if pair[0] != parameter] + [(parameter, value) for value in instead]
    answer = store.http.put(f"{base}?{urlencode(pairs, quote_via=quote)}", content=b"film", headers=FOR_UPLOAD)
    assert (answer.status_code, code(answer)) == (403, "SignatureDoesNotMatch")
    assert not store.is_there(name)


def test_a_signature_is_for_one_object_one_bucket_one_method_and_its_query(store: Store, name: str) -> None:
    url = store.put_url(name, FOR_UPLOAD)
    for other in (url.replace("?", "2?", 1), url.replace("/uploads/", "/downloads/"), f"{url}&generation=1"):
        answer = store.http.put(other, content=b"film", headers=FOR_UPLOAD)
        assert (answer.status_code, code(answer)) == (403, "SignatureDoesNotMatch")
    for method in ("GET", "POST", "DELETE", "HEAD"):
        assert store.http.request(method, url, headers=FOR_UPLOAD).status_code == 403
    assert not store.is_there(name)


@pytest.mark.parametrize(
    ("header", "value", "status", "expected"),
    [
        ("Content-Type", "text/html", 403, "SignatureDoesNotMatch"),
        ("x-goog-if-generation-match", "1", 403, "SignatureDoesNotMatch"),
        ("x-goog-content-length-range", "0,9999999", 403, "SignatureDoesNotMatch"),
        ("x-goog-meta-more", "not signed", 403, "SignatureDoesNotMatch"),
        ("Content-Type", None, 400, "MalformedSecurityHeader"),
        ("x-goog-if-generation-match", None, 400, "MalformedSecurityHeader"),
    ],
)
def test_a_header_must_be_the_signed_one(
    store: Store, name: str, header: str, value: str | None, status: int, expected: str
) -> None:
    headers = {key: word for key, word in {**FOR_UPLOAD, header: value}.items() if word is not None}
    answer = store.http.put(store.put_url(name, FOR_UPLOAD), content=b"film", headers=headers)
    assert (answer.status_code, code(answer)) == (status, expected)
    assert not store.is_there(name)


def test_an_expired_url_is_refused_and_one_that_nearly_is_not(store: Store, name: str) -> None:
    url = store.put_url(name, FOR_UPLOAD, expiration=3600)
    try:
        store.hours[0] = 1.01
        answer = store.http.put(url, content=b"film", headers=FOR_UPLOAD)
        assert (answer.status_code, code(answer)) == (400, "ExpiredToken")
        store.hours[0] = 0.99
        assert store.http.put(url, content=b"film", headers=FOR_UPLOAD).status_code == 200
        store.hours[0] = -1
        answer = store.http.put(url, content=b"film", headers=FOR_UPLOAD)
        assert (answer.status_code, code(answer)) == (403, "AccessDenied"), "signed in the future"
    finally:
        store.hours[0] = 0


def test_no_url_lives_longer_than_seven_days(store: Store, name: str) -> None:
    url = store.sign(name, "GET", by=DOWNLOADER).replace("X-Goog-Expires=600", "X-Goog-Expires=604801")
    answer = store.http.get(url)
    assert (answer.status_code, code(answer)) == (400, "InvalidArgument")


def test_without_a_signature_or_with_a_stranger_s_nobody_gets_in(store: Store, name: str) -> None:
    unsigned = f"{store.proxy.url}/uploads/{quote(name)}"
    for method in ("GET", "PUT", "DELETE"):
        answer = store.http.request(method, unsigned, headers={"Authorization": "Bearer any"})
        assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    answer = store.http.get(store.sign(name, "GET", by=STRANGER))
    assert (answer.status_code, code(answer)) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize(
    ("by", "method", "bucket"),
    [
        (UPLOADER, "PUT", "downloads"),
        (UPLOADER, "PUT", "work"),
        (UPLOADER, "RESUMABLE", "downloads"),
        (UPLOADER, "GET", "uploads"),
        (UPLOADER, "DELETE", "uploads"),
        (DOWNLOADER, "PUT", "downloads"),
        (DOWNLOADER, "DELETE", "downloads"),
        (DOWNLOADER, "GET", "work"),
    ],
)
def test_an_account_can_do_only_what_it_may(store: Store, name: str, by: str, method: str, bucket: str) -> None:
    store.blob(name, bucket).upload_from_string(b"there")
    url = store.sign(name, method, by=by, bucket=bucket)
    headers = {"x-goog-resumable": "start"} if method == "RESUMABLE" else {}
    answer = store.http.request("POST" if headers else method, url, headers=headers)
    assert (answer.status_code, code(answer)) == (403, "AccessDenied")
    assert store.content(name, bucket) == b"there"


@pytest.mark.parametrize(("size", "expected"), [(9, "EntityTooSmall"), (21, "EntityTooLarge"), (10, ""), (20, "")])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_the_signed_size_is_kept(store: Store, name: str, size: int, expected: str, is_chunked: bool) -> None:
    headers = {"Content-Type": "video/mp4", "x-goog-content-length-range": "10,20"}
    content: Any = iter([b"x" * 5, b"x" * (size - 5)]) if is_chunked else b"x" * size
    answer = store.http.put(store.put_url(name, headers), content=content, headers=headers)
    assert (answer.status_code, code(answer)) == (400 if expected else 200, expected)
    assert store.is_there(name) == (not expected)


def test_damaged_bytes_are_refused(store: Store, name: str) -> None:
    other = base64.b64encode(hashlib.md5(b"other", usedforsecurity=False).digest()).decode()
    headers = {**FOR_UPLOAD, "Content-MD5": other}
    answer = store.http.put(store.put_url(name, headers), content=b"film", headers=headers)
    assert (answer.status_code, code(answer)) == (400, "BadDigest")
    assert not store.is_there(name)


def test_a_signed_download_has_ranges_and_the_wanted_file_name(store: Store, name: str) -> None:
    store.blob(name, "downloads").upload_from_string(b"0123456789", content_type="video/mp4")
    wanted = "attachment; filename*=UTF-8''r%C3%A9el.mp4"
    url = store.sign(name, "GET", by=DOWNLOADER, bucket="downloads", response_disposition=wanted, response_type="a/b")
    answer = store.http.get(url, headers={"Range": "bytes=2-4"})
    assert (answer.status_code, answer.content) == (206, b"234")
    assert answer.headers["Content-Range"] == "bytes 2-4/10"
    assert (answer.headers["Content-Disposition"], answer.headers["Content-Type"]) == (wanted, "a/b")
    assert store.http.get(url, headers={"Range": "bytes=-3"}).content == b"789"
    past = store.http.get(url, headers={"Range": "bytes=10-12"})
    assert (past.status_code, past.headers["Content-Range"]) == (416, "bytes */10")
    assert store.http.get(url).content == b"0123456789", "on the same connection"


def test_a_signed_download_is_of_the_signed_generation(store: Store, name: str) -> None:
    blob = store.blob(name, "downloads")
    blob.upload_from_string(b"old")
    url = store.sign(name, "GET", by=DOWNLOADER, bucket="downloads", generation=blob.generation)
    assert store.http.get(url).content == b"old"
    blob.upload_from_string(b"new")
    answer = store.http.get(url)
    assert (answer.status_code, code(answer)) == (404, "NoSuchKey")
    missing = store.http.get(store.sign("missing", "GET", by=DOWNLOADER))
    assert (missing.status_code, code(missing)) == (404, "NoSuchKey")


# Resumable uploads.


def test_an_upload_that_broke_off_goes_on_from_the_server_s_offset(store: Store, name: str) -> None:
    data = os.urandom(3 * QUANTUM + 1000)
    session = store.begin(name)
    break_off(session, data[: 2 * QUANTUM + 5000], total=len(data))
    answer = store.ask(session, len(data))
    while "Range" not in answer.headers:  # until the server notices
        time.sleep(0.01)
        answer = store.ask(session, len(data))
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{2 * QUANTUM - 1}")
    assert not store.is_there(name)
    assert store.send(session, data[2 * QUANTUM :], 2 * QUANTUM, len(data)).status_code == 200
    assert store.content(name) == data
    assert store.client.bucket("uploads").get_blob(name).content_type == "video/mp4"


def break_off(session: str, sent: bytes, *, total: int) -> None:
    """Promise the whole, send only so much, and hang up."""
    url = urlsplit(session)
    connection = http.client.HTTPConnection(str(url.hostname), url.port)
    connection.putrequest("PUT", f"{url.path}?{url.query}")
    connection.putheader("Content-Length", str(total))
    connection.putheader("Content-Range", f"bytes 0-{total - 1}/{total}")
    connection.endheaders(sent)
    connection.close()


def test_the_status_of_an_upload_can_be_asked_at_any_time(store: Store, name: str) -> None:
    data = os.urandom(QUANTUM + 10)
    session = store.begin(name)
    for total in ("*", len(data)):
        answer = store.ask(session, total)
        assert answer.status_code == 308 and "Range" not in answer.headers
    assert store.send(session, data[:QUANTUM], 0, len(data)).headers["Range"] == f"bytes=0-{QUANTUM - 1}"
    for total in ("*", len(data)):
        answer = store.ask(session, total)
        assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data)).status_code == 200
    for total in ("*", len(data)):
        assert store.ask(session, total).status_code == 200
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data)).status_code == 200, "sent again after the end"
    assert store.content(name) == data


def test_bytes_that_were_sent_twice_are_stored_once(store: Store, name: str) -> None:
    data = os.urandom(3 * QUANTUM)
    session = store.begin(name)
    for first, end in ((0, 1), (0, 1), (0, 2), (1, 2)):
        answer = store.send(session, data[first * QUANTUM : end * QUANTUM], first * QUANTUM, len(data))
        assert answer.status_code == 308
    assert answer.headers["Range"] == f"bytes=0-{2 * QUANTUM - 1}"
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data)).status_code == 200
    assert store.content(name) == data


def test_a_gap_is_refused_and_changes_nothing(store: Store, name: str) -> None:
    data = os.urandom(3 * QUANTUM)
    session = store.begin(name)
    store.send(session, data[:QUANTUM], 0, len(data))
    assert store.send(session, data[2 * QUANTUM :], 2 * QUANTUM, len(data)).status_code == 503
    assert store.ask(session).headers["Range"] == f"bytes=0-{QUANTUM - 1}"
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data)).status_code == 200
    assert store.content(name) == data


def test_only_whole_quanta_are_stored_before_the_last_request(store: Store, name: str) -> None:
    data = os.urandom(2 * QUANTUM)
    session = store.begin(name)
    assert store.send(session, data[:1000], 0, "*").status_code == 400
    answer = store.send(session, data[: QUANTUM + 1000], 0, "*")
    assert (answer.status_code, answer.headers["Range"]) == (308, f"bytes=0-{QUANTUM - 1}")
    assert store.send(session, data[QUANTUM:], QUANTUM, "*").status_code == 308, "nobody said that this is all"
    assert store.ask(session, len(data)).status_code == 200
    assert store.content(name) == data


@pytest.mark.parametrize("said", ["bytes 0-9/5", "bytes 5-9", "items 0-9/10", "bytes 0-99/100", "bytes 0-3/10"])
def test_a_range_that_does_not_fit_is_refused(store: Store, name: str, said: str) -> None:
    session = store.begin(name)
    assert store.http.put(session, content=b"0123456789", headers={"Content-Range": said}).status_code == 400
    assert store.ask(session).status_code == 308


def test_the_size_of_an_upload_cannot_change(store: Store, name: str) -> None:
    data = os.urandom(2 * QUANTUM)
    session = store.begin(name)
    store.send(session, data[:QUANTUM], 0, len(data))
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data) + 1).status_code == 400
    assert store.send(session, data[QUANTUM:], QUANTUM, len(data)).status_code == 200


def test_a_whole_upload_in_one_request_needs_no_range(store: Store, name: str) -> None:
    assert store.http.put(store.begin(name), content=b"film").status_code == 200
    assert store.content(name) == b"film"


def test_a_cancelled_upload_is_gone(store: Store, name: str) -> None:
    session = store.begin(name)
    store.send(session, bytes(QUANTUM), 0, 2 * QUANTUM)
    assert store.http.delete(session).status_code == 499
    assert store.ask(session).status_code == 410
    assert store.send(session, bytes(QUANTUM), QUANTUM, 2 * QUANTUM).status_code == 410
    assert not store.is_there(name)


def test_a_session_s_url_cannot_be_guessed(store: Store, name: str) -> None:
    session = store.begin(name)
    assert store.ask(f"{session}x").status_code == 404
    assert store.ask(session.replace("/uploads/", "/downloads/")).status_code == 404


@pytest.mark.parametrize(("size", "expected"), [(9, "EntityTooSmall"), (21, "EntityTooLarge"), (15, "")])
def test_a_resumable_upload_keeps_the_size_that_was_signed(store: Store, name: str, size: int, expected: str) -> None:
    session = store.begin(name, {"x-goog-content-length-range": "10,20"})
    answer = store.http.put(session, content=bytes(size))
    assert (answer.status_code, code(answer)) == (400 if expected else 200, expected)
    assert store.is_there(name) == (not expected)


def test_an_upload_of_unknown_size_stops_at_the_bound(store: Store, name: str) -> None:
    session = store.begin(name, {"x-goog-content-length-range": f"0,{QUANTUM}"})
    answer = store.send(session, bytes(2 * QUANTUM), 0, "*")
    assert (answer.status_code, code(answer)) == (400, "EntityTooLarge")
    assert store.ask(session).status_code == 400, "it can never end well"


def test_of_two_sessions_for_one_object_the_second_is_refused(store: Store, name: str) -> None:
    sessions = [store.begin(name), store.begin(name)]
    assert store.http.put(sessions[0], content=b"first").status_code == 200
    for _ in range(2):
        answer = store.http.put(sessions[1], content=b"second")
        assert (answer.status_code, code(answer)) == (412, "PreconditionFailed")
    assert store.content(name) == b"first"
    headers = {**FOR_UPLOAD, "x-goog-resumable": "start"}
    url = store.sign(name, "RESUMABLE", content_type="video/mp4", headers={**FOR_UPLOAD})
    assert store.http.post(url, headers=headers).status_code == 412


def test_a_resumable_start_must_have_what_was_signed(store: Store, name: str) -> None:
    rest = {key: value for key, value in FOR_UPLOAD.items() if key != "Content-Type"}
    url = store.sign(name, "RESUMABLE", content_type="video/mp4", headers=rest)
    assert store.http.post(url, headers=FOR_UPLOAD).status_code == 400, "without x-goog-resumable"
    wrong = {**FOR_UPLOAD, "x-goog-resumable": "start", "Content-Type": "text/html"}
    assert store.http.post(url, headers=wrong).status_code == 403
    assert store.http.put(url, headers={**FOR_UPLOAD, "x-goog-resumable": "start"}).status_code == 403


# The real client.


def test_the_client_s_own_resumable_upload_creates_only_once(store: Store, name: str) -> None:
    data = os.urandom(2 * QUANTUM + 77)
    blob = store.blob(name)
    blob.chunk_size = QUANTUM
    blob.metadata = {"owner": "me"}
    blob.upload_from_file(io.BytesIO(data), size=len(data), content_type="video/mp4", if_generation_match=0)
    assert (blob.content_type, blob.metadata) == ("video/mp4", {"owner": "me"})
    assert blob.media_link.startswith(store.proxy.url), "or downloads get round the proxy"
    assert blob.download_as_bytes() == data
    with pytest.raises(PreconditionFailed):
        blob.upload_from_file(io.BytesIO(data), size=len(data), if_generation_match=0)
    blob.upload_from_file(io.BytesIO(b""), if_generation_match=blob.generation)
    assert blob.download_as_bytes() == b""


def test_the_client_s_stream_of_unknown_length_is_stored(store: Store, name: str) -> None:
    data = os.urandom(3 * QUANTUM)
    with store.blob(name).open("wb", chunk_size=QUANTUM, if_generation_match=0) as writer:
        writer.write(data)
    with store.blob(name).open("rb") as reader:
        assert reader.read() == data


def test_the_client_s_multipart_upload_keeps_boundaries_that_lie_in_the_data(store: Store, name: str) -> None:
    data = b"\r\n\r\n--==\r\n--==--\r\n\r\n" * 10
    blob = store.blob(name)
    blob.cache_control = "no-store"
    blob.upload_from_string(data, content_type="a/b", if_generation_match=0, checksum="crc32c")
    assert store.content(name) == data
    found = store.client.bucket("uploads").get_blob(name)
    assert (found.content_type, found.cache_control) == ("a/b", "no-store")


def test_a_read_names_the_generation_that_is_there(store: Store, name: str) -> None:
    blob = store.blob(name)
    blob.upload_from_string(b"old")
    old = blob.generation
    blob.upload_from_string(b"new")
    pinned = store.client.bucket("uploads").blob(name, generation=old)
    for read in (pinned.download_as_bytes, pinned.reload):
        with pytest.raises(NotFound):
            read()
    with pytest.raises(PreconditionFailed):
        blob.download_as_bytes(if_generation_match=old)
    with pytest.raises(PreconditionFailed):
        blob.reload(if_generation_match=old)
    now = store.client.bucket("uploads").blob(name, generation=blob.generation)
    now.reload()
    assert now.download_as_bytes(if_generation_match=blob.generation, start=1, end=1) == b"e"


def test_a_delete_or_change_of_another_generation_is_refused(store: Store, name: str) -> None:
    blob = store.blob(name)
    blob.upload_from_string(b"old")
    old = blob.generation
    blob.upload_from_string(b"new")
    with pytest.raises(PreconditionFailed):
        blob.delete(if_generation_match=old)
    with pytest.raises(NotFound):
        store.client.bucket("uploads").blob(name, generation=old).delete()
    blob.metadata = {"a": "b"}
    with pytest.raises(PreconditionFailed):
        blob.patch(if_generation_match=old)
    blob.delete(if_generation_match=blob.generation)
    assert not store.is_there(name)


def test_what_is_composed_or_copied_is_told_too(store: Store, name: str) -> None:
    bucket = store.client.bucket("work")
    parts = [bucket.blob(f"{name}-{number}") for number in range(2)]
    for part in parts:
        part.upload_from_string(b"part")
    bucket.blob(name).compose(parts)
    bucket.copy_blob(parts[0], bucket, f"{name}-copy")
    with pytest.raises(PreconditionFailed):
        bucket.blob(name).compose(parts, if_generation_match=0)
    assert bucket.blob(name).download_as_bytes() == b"partpart"
    assert [told[0] for told in told_of(store, name)] == [f"{name}-0", f"{name}-1", name, f"{name}-copy"]


# Races.


def xml_put(store: Store, name: str, data: bytes) -> int:
    return store.http.put(store.put_url(name, FOR_UPLOAD), content=data, headers=FOR_UPLOAD).status_code


def xml_resumable(store: Store, name: str, data: bytes) -> int:
    url = store.sign(name, "RESUMABLE", headers={"x-goog-if-generation-match": "0"})
    start = {"x-goog-resumable": "start", "x-goog-if-generation-match": "0"}
    answer = store.http.post(url, headers=start)
    return (
        answer.status_code
        if answer.status_code != 201
        else store.http.put(answer.headers["Location"], content=data).status_code
    )


def json_upload(kind: str) -> Callable[[Store, str, bytes], int]:
    def upload(store: Store, name: str, data: bytes) -> int:
        query = {"uploadType": kind, "name": name, "ifGenerationMatch": "0"}
        url = f"{store.proxy.url}/upload/storage/v1/b/uploads/o?{urlencode(query)}"
        headers, content = {"Content-Type": "a/b"}, data
        if kind == "multipart":
            headers["Content-Type"] = "multipart/related; boundary=X"
            content = (
                b"--X\r\nContent-Type: application/json\r\n\r\n{}\r\n--X\r\nContent-Type: a/b\r\n\r\n%b\r\n--X--" % data
            )
        if kind != "resumable":
            return store.http.post(url, content=content, headers=headers).status_code
        answer = store.http.post(url, json={}, headers={"X-Upload-Content-Type": "a/b"})
        return (
            answer.status_code
            if answer.status_code != 200
            else store.http.put(answer.headers["Location"], content=data).status_code
        )

    return upload


@pytest.mark.parametrize(
    "write",
    [xml_put, xml_resumable, json_upload("media"), json_upload("multipart"), json_upload("resumable")],
    ids=["signed put", "signed resumable", "media", "multipart", "resumable"],
)
def test_of_many_writers_one_creates_the_object(
    store: Store, name: str, write: Callable[[Store, str, bytes], int]
) -> None:
    barrier = threading.Barrier(WRITERS)

    def race(number: int) -> int:
        barrier.wait(10)
        return write(store, name, b"%d" % number)

    with ThreadPoolExecutor(WRITERS) as pool:
        answers = list(pool.map(race, range(WRITERS)))
    assert sorted(answers) == [200] + [412] * (WRITERS - 1)
    assert store.content(name) == b"%d" % answers.index(200)
    assert len(told_of(store, name)) == 1


# Events.


def told_of(store: Store, name: str) -> list[tuple[str, str]]:
    """Return name and generation of the events about objects whose names begin so."""
    store.proxy.wait_for_events()
    return [(event["name"], event["generation"]) for event in store.events if event["name"].startswith(name)]


def test_each_finalized_generation_is_told_once(store: Store, name: str) -> None:
    first = store.blob(name)
    first.upload_from_string(b"one", content_type="video/mp4")
    second = store.blob(name)
    second.metadata = {"a": "b"}
    second.upload_from_file(io.BytesIO(b"second"), content_type="video/mp4")
    session = store.begin(f"{name}-resumable")
    store.http.put(session, content=b"film")
    store.http.put(session, content=b"film")
    store.ask(session)
    third = store.client.bucket("uploads").get_blob(f"{name}-resumable")
    assert told_of(store, name) == [(blob.name, str(blob.generation)) for blob in (first, second, third)]
    event = next(event for event in store.events if event["generation"] == str(second.generation))
    assert (event["bucket"], event["size"], event["metageneration"]) == ("uploads", "6", "1")
    assert (event["contentType"], event["metadata"], event["crc32c"]) == ("video/mp4", {"a": "b"}, second.crc32c)
    assert {"md5Hash", "timeCreated"} <= event.keys()


def test_an_event_is_posted_until_it_is_taken(tmp_path: Path) -> None:
    received: list[tuple[dict[str, str], dict[str, Any]]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.append(({key.lower(): value for key, value in self.headers.items()}, body))
            self.send_response(503 if len(received) == 1 else 204)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Receiver) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        url = f"http://127.0.0.1:{receiver.server_port}/"
        with storage_proxy(tmp_path, keys={}, rights={}, events_to=url, event_times=2) as proxy:
            httpx.post(f"{proxy.url}/storage/v1/b?project=p", json={"name": "uploads"}).raise_for_status()
            query = urlencode({"uploadType": "media", "name": "é/source"})
            httpx.post(f"{proxy.url}/upload/storage/v1/b/uploads/o?{query}", content=b"film").raise_for_status()
            proxy.wait_for_events()
        receiver.shutdown()
        thread.join()
    assert len(received) == 3, "delivered twice, and once more since the first answer was 503"
    assert len({headers["ce-id"] for headers, _ in received}) == 1
    headers, body = received[-1]
    assert headers["ce-type"] == "google.cloud.storage.object.v1.finalized"
    assert headers["ce-source"] == "//storage.googleapis.com/projects/_/buckets/uploads"
    assert headers["ce-subject"] == "objects/%C3%A9/source"
    assert (body["name"], body["size"]) == ("é/source", "4")


# Browsers.


def test_a_page_may_upload_and_others_may_not(store: Store, name: str) -> None:
    url = f"{store.proxy.url}/uploads/{quote(name)}"
    asked = {
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-goog-if-generation-match,x-goog-content-length-range",
    }
    allowed = store.http.options(url, headers={"Origin": PAGE, **asked})
    assert (allowed.status_code, allowed.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    assert "PUT" in allowed.headers["Access-Control-Allow-Methods"]
    assert allowed.headers["Access-Control-Allow-Headers"].split(", ") == asked["Access-Control-Request-Headers"].split(
        ","
    )
    other = store.http.options(url, headers={"Origin": "https://other.example", **asked})
    assert "Access-Control-Allow-Origin" not in other.headers
    asked["Access-Control-Request-Headers"] = "x-unheard-of"
    assert "Access-Control-Allow-Origin" not in store.http.options(url, headers={"Origin": PAGE, **asked}).headers


def test_a_session_belongs_to_the_page_that_began_it(store: Store, name: str) -> None:
    session = store.begin(name, origin=PAGE)
    answer = store.send(session, bytes(QUANTUM), 0, 2 * QUANTUM, Origin=PAGE)
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert {"Location", "Range", "ETag"} <= set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    from_nowhere = store.begin(name)
    answer = store.send(from_nowhere, bytes(QUANTUM), 0, 2 * QUANTUM, Origin=PAGE)
    assert "Access-Control-Allow-Origin" not in answer.headers, "begun without an Origin"


def test_a_bucket_s_own_rules_replace_the_usual(store: Store, name: str) -> None:
    bucket = store.client.get_bucket("work")
    bucket.cors = [{"origin": ["https://own.example"], "method": ["GET"], "responseHeader": ["Range"]}]
    bucket.patch()
    assert store.client.get_bucket("work").cors == bucket.cors
    url = f"{store.proxy.url}/work/{quote(name)}"
    for origin, method, is_allowed in (
        ("https://own.example", "GET", True),
        ("https://own.example", "PUT", False),
        (PAGE, "GET", False),
    ):
        answer = store.http.options(url, headers={"Origin": origin, "Access-Control-Request-Method": method})
        assert ("Access-Control-Allow-Origin" in answer.headers) == is_allowed


def test_a_store_that_ends_leaves_nothing_running(tmp_path: Path) -> None:
    threads = threading.active_count()
    with httpx.Client() as waiting:
        with storage_proxy(tmp_path, keys={}, rights={}, on_finalized=lambda event: None) as proxy:
            assert waiting.get(f"{proxy.url}/storage/v1/b?project=p").status_code == 200
            assert threading.active_count() > threads
            began = time.monotonic()
        assert time.monotonic() - began < 2, "it does not wait for connections that idle"
        assert threading.active_count() == threads
        with pytest.raises(httpx.TransportError):
            waiting.get(proxy.url)
    assert [path.name for path in tmp_path.iterdir()] == ["fake_gcs.log"]


# Counting.


def test_requests_and_bytes_are_counted_for_each_object_and_task(store: Store, name: str) -> None:
    store.blob(name).upload_from_string(bytes(1000))
    url = f"{store.proxy.url}/storage/v1/b/uploads/o/{quote(name, safe='')}?alt=media"
    store.proxy.reset()
    store.http.get(url, headers={"Range": "bytes=0-99"})
    store.http.get(url, headers={"Range": "bytes=0-49", TASK_HEADER: "7"})
    assert (store.proxy.requests, store.proxy.bytes_sent) == (2, 150)
    traffic = store.proxy.traffic
    assert (traffic.requests_by_object[f"uploads/{name}"], traffic.bytes_by_object[f"uploads/{name}"]) == (2, 150)
    assert (traffic.requests_by_task, traffic.bytes_by_task) == ({"7": 1}, {"7": 50})
