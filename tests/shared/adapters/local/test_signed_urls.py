"""Addresses of one machine's objects, judged without a server: every byte of them counts."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from shared.adapters.local.signed_urls import MAX_EXPIRES_S, FolderUrls
from shared.domain.grant import Grant
from shared.domain.requested_job import requested_job_id
from shared.errors import BadRequest, MontageError, NotAllowed
from shared.ports import SignedUpload

NAME = "uploads/é/a b+c&d=e%2f~/source"
KEY = b"secret of the server"


class HandClock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def urls(clock: HandClock) -> FolderUrls:
    return made(clock)


def made(
    clock: HandClock, *, bucket: str = "uploads", key: bytes = KEY, url: str = "https://x.test/sub/"
) -> FolderUrls:
    return FolderUrls(bucket, public_url=url, server_key=lambda: key, clock=clock)


def judged(urls: FolderUrls, method: str, url: str, headers: dict[str, str] | None = None) -> Grant:
    address = urlsplit(url)
    return urls.granted(method, address.path, address.query, (headers or {}).items())


def code_of(urls: FolderUrls, method: str, url: str, headers: dict[str, str] | None = None) -> str:
    with pytest.raises(MontageError) as caught:
        judged(urls, method, url, headers)
    return caught.value.code


def upload_of(urls: FolderUrls) -> SignedUpload:
    return urls.resumable_upload(NAME, content_type="video/mp4", max_bytes=1000, expires_s=60)


def test_what_was_signed_is_granted(urls: FolderUrls, clock: HandClock) -> None:
    upload = upload_of(urls)
    assert upload.url.startswith("https://x.test/sub/objects/uploads/uploads/%C3%A9/a%20b%2Bc%26d%3De%252f~/source?")
    assert (upload.method, upload.expires_at) == ("POST", clock.now + 60)
    assert upload.headers == {
        "content-type": "video/mp4",
        "x-goog-content-length-range": "0,1000",
        "x-goog-if-generation-match": "0",
        "x-goog-resumable": "start",
    }
    grant = judged(urls, "POST", upload.url, dict(upload.headers))
    assert grant == Grant(action="begin", name=NAME, content_type="video/mp4", max_bytes=1000)


def test_a_download_is_granted_to_get_and_head_alone(urls: FolderUrls) -> None:
    url = urls.download(NAME, file_name='a "b".mp4', expires_s=60)
    for method in ("GET", "HEAD"):
        assert judged(urls, method, url).disposition.startswith("attachment;")
    for method in ("PUT", "POST", "DELETE", "get", "PATCH"):
        assert code_of(urls, method, url) == "bad_signature"


def test_an_address_lives_as_long_as_was_said_and_a_week_at_most(urls: FolderUrls, clock: HandClock) -> None:
    url = urls.download(NAME, file_name="a", expires_s=MAX_EXPIRES_S)
    clock.now += MAX_EXPIRES_S - 1
    judged(urls, "GET", url)
    clock.now += 1
    with pytest.raises(BadRequest) as caught:
        judged(urls, "GET", url)
    assert caught.value.code == "url_expired"


def test_another_key_another_bucket_and_another_purpose_sign_otherwise(urls: FolderUrls, clock: HandClock) -> None:
    url = urls.download("a", file_name="a", expires_s=60)
    assert code_of(made(clock, key=b"another"), "GET", url) == "bad_signature"
    assert code_of(made(clock, bucket="downloads"), "GET", url.replace("/uploads/a", "/downloads/a")) == "bad_signature"
    job_id = requested_job_id(KEY, owner="a", request_id="b")
    assert code_of(urls, "GET", url.partition("signature=")[0] + f"signature={job_id}") == "bad_signature"


QUERIES: dict[str, Callable[[str], str]] = {
    "a doubled parameter": lambda query: f"{query}&expires=2000000",
    "a doubled signature": lambda query: f"{query}&signature=0",
    "one more": lambda query: f"{query}&x=1",
    "one less": lambda query: query.partition("&")[2],
    "another order": lambda query: "&".join(reversed(query.split("&"))),
    "a plus for a space": lambda query: query.replace("%20", "+"),
    "small hexadecimals": lambda query: query.replace("%2F", "%2f").replace("%3B", "%3b"),
    "an empty one": lambda query: f"{query}&",
    "a semicolon": lambda query: query.replace("&expires", ";expires"),
    "a sign": lambda query: query.replace("expires=", "expires=%2B"),
    "a letter in capitals": lambda query: query.replace("signature=", "Signature="),
    "digits of another script": lambda query: query.replace("expires=1", "expires=%D9%A1"),
    "no text": lambda query: query.replace("expires=", "expires=%ff"),
    "a signature in another script": lambda query: query.replace("signature=", "signature=%C3%A9"),
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("what", QUERIES)
def test_a_query_has_one_spelling(urls: FolderUrls, what: str) -> None:
    upload = upload_of(urls)
    changed = 0
    for method, url in (("POST", upload.url), ("GET", urls.download(NAME, file_name="a b.mp4", expires_s=60))):
        query = urlsplit(url).query
        other = QUERIES[what](query)
        if other != query:
            changed += 1
            assert code_of(urls, method, url.replace(query, other), dict(upload.headers)) == "bad_signature"
    assert changed


@pytest.mark.parametrize(
    "path",
    [
        "/objects/uploads/%61",
        "/objects/uploads/./a",
        "/objects/uploads/../uploads/a",
        "/objects/uploads/a/",
        "/objects/uploads//a",
        "/objects//uploads/a",
        "/objects/uploads/b/../a",
        "/objects/uploads/a%00",
        "/objects/uploads/a%20",
        "/objects/uploads/%C0%AE",
        "/objects/uploads/A",
        "/objects/uploads/a%CC%81",
        "/objects/uploads/",
        "/uploads/a",
    ],
)
def test_a_path_has_one_spelling(urls: FolderUrls, path: str) -> None:
    url = urls.download("a", file_name="a", expires_s=60)
    with pytest.raises(NotAllowed) as caught:
        urls.granted("GET", path, urlsplit(url).query, [])
    assert caught.value.code == "bad_signature"


def test_two_forms_of_one_letter_are_two_names(urls: FolderUrls) -> None:
    url = urls.download("é", file_name="a", expires_s=60)
    assert code_of(urls, "GET", url.replace("%C3%A9", "e%CC%81")) == "bad_signature"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"content-type": "text/html"}, "wrong_type"),
        ({"content-type": "video/mp4; codecs=x"}, "wrong_type"),
        ({"content-type": ""}, "wrong_type"),
        ({"x-goog-content-length-range": "0,1001"}, "wrong_header"),
        ({"x-goog-if-generation-match": "1"}, "wrong_header"),
        ({"x-goog-resumable": "no"}, "wrong_header"),
        ({"X-Goog-Meta-A": "1"}, "wrong_header"),
        ({"Content-Type": "text/html"}, "wrong_type"),
    ],
)
def test_headers_are_those_that_were_signed(urls: FolderUrls, changed: dict[str, str], code: str) -> None:
    upload = upload_of(urls)
    assert code_of(urls, "POST", upload.url, {**upload.headers, **changed}) == code


def test_headers_may_be_written_in_any_case_and_others_may_come_with_them(urls: FolderUrls) -> None:
    upload = upload_of(urls)
    headers = {key.title(): f" {value} " for key, value in upload.headers.items()} | {"Accept": "*/*"}
    assert judged(urls, "POST", upload.url, headers).max_bytes == 1000


@pytest.mark.parametrize(
    ("content_type", "max_bytes"), [("video", 1), ("video/mp4\r\nx: y", 1), ("video/\u212amp4", 1), ("video/mp4", 0)]
)
def test_what_makes_no_sense_is_not_signed(urls: FolderUrls, content_type: str, max_bytes: int) -> None:
    with pytest.raises(ValueError):
        urls.single_upload("a", content_type=content_type, max_bytes=max_bytes, expires_s=60)
