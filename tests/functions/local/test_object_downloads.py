"""Downloads from one machine by signed addresses: ranges, what browsers are told, and what they must never run."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from functions.local.byte_range import wanted
from functions.local.object_routes import SAFE
from tests.object_server import ObjectServer, object_server

REEL = bytes(range(256)) * 4096
NAME = "downloads/x/r1/reel.mp4"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with object_server(tmp_path_factory.mktemp("objects")) as running:
        running.cloud.downloads.write(NAME, REEL)
        yield running


@pytest.fixture
def reel(server: ObjectServer) -> str:
    server.later[0] = 0.0
    return server.signers.downloads.download(NAME, file_name="été.mp4", expires_s=60)


def test_a_reel_comes_whole_and_is_safe_to_open(server: ObjectServer, reel: str) -> None:
    answer = server.http.get(reel)
    assert (answer.status_code, answer.content) == (200, REEL)
    expected = {**SAFE, "content-type": "video/mp4", "content-length": str(len(REEL))}
    assert {key: answer.headers[key] for key in expected} == expected
    assert answer.headers["etag"] == f'"{server.cloud.downloads.stat(NAME).generation}"'
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''%C3%A9t%C3%A9.mp4")


def test_head_says_what_get_would_say_without_the_bytes(server: ObjectServer, reel: str) -> None:
    head, get = server.http.head(reel), server.http.get(reel)
    assert head.content == b""
    assert {**head.headers, "date": ""} == {**get.headers, "date": ""}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("bytes=0-0", (206, 0, 1)),
        ("bytes=5-", (206, 5, 5)),
        ("bytes=-3", (206, 7, 3)),
        ("bytes=-99", (206, 0, 10)),
        ("bytes=2-99", (206, 2, 8)),
        ("bytes=10-", (416, 0, 0)),
        ("bytes=-0", (416, 0, 0)),
        ("bytes=3-2", (200, 0, 10)),
        ("bytes=0-1,3-4", (200, 0, 10)),
        ("items=0-1", (200, 0, 10)),
        ("bytes=-", (200, 0, 10)),
        (None, (200, 0, 10)),
    ],
)
def test_a_range_is_understood_or_passed_over(said: str | None, expected: tuple[int, int, int]) -> None:
    found = wanted(said, if_range=None, etag='"1"', size_bytes=10)
    assert (found.status, found.first, found.count) == expected


def test_a_range_holds_only_as_long_as_the_object_is_the_same(server: ObjectServer, reel: str) -> None:
    etag = server.http.head(reel).headers["etag"]
    same = server.http.get(reel, headers={"Range": "bytes=1-2", "If-Range": etag})
    other = server.http.get(reel, headers={"Range": "bytes=1-2", "If-Range": '"another"'})
    assert (same.status_code, same.content) == (206, REEL[1:3])
    assert (other.status_code, other.content) == (200, REEL)


def test_of_an_object_that_is_not_there_nothing_comes(server: ObjectServer) -> None:
    url = server.signers.downloads.download("downloads/missing", file_name="a", expires_s=60)
    answer = server.http.get(url)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_an_address_for_reading_does_nothing_else(server: ObjectServer, reel: str) -> None:
    for method in ("PUT", "POST", "DELETE", "PATCH", "OPTIONS"):
        assert server.http.request(method, reel, content=b"other").status_code == 403
    server.later[0] = 61.0
    assert server.http.get(reel).json()["code"] == "url_expired"
    assert server.cloud.downloads.read(NAME) == REEL


def test_one_bucket_s_address_opens_no_other(server: ObjectServer, reel: str) -> None:
    server.cloud.uploads.write(NAME, b"source")
    assert server.http.get(reel.replace("/objects/downloads/", "/objects/uploads/")).status_code == 403
    assert server.http.get(reel.replace("objects/downloads", "objects/work", 1)).status_code == 404


def test_a_source_kept_where_it_lies_comes_too_until_it_changes(server: ObjectServer, tmp_path: Path) -> None:
    film = tmp_path / "film.mov"
    film.write_bytes(REEL)
    name = f"uploads/{secrets.token_hex(13)}/source"
    server.cloud.uploads.upload(film, name)
    url = server.signers.uploads.download(name, file_name="film.mov", expires_s=60)
    answer = server.http.get(url, headers={"Range": "bytes=100-199"})
    assert (answer.content, answer.headers["content-type"]) == (REEL[100:200], "application/octet-stream")
    film.write_bytes(b"another film")
    assert server.http.get(url).content == b"another film"
    film.unlink()
    assert server.http.get(url).status_code == 404


def test_a_page_that_was_uploaded_is_saved_and_not_run(server: ObjectServer) -> None:
    name = f"uploads/{secrets.token_hex(13)}/source"
    page = b"<script>alert(1)</script>"
    upload = server.signers.uploads.single_upload(name, content_type="text/html", max_bytes=99, expires_s=60)
    assert server.http.put(upload.url, headers=dict(upload.headers), content=page).status_code == 200
    answer = server.http.get(server.signers.uploads.download(name, file_name="a.html", expires_s=60))
    assert answer.headers["content-type"] == "text/html"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert (answer.headers["content-security-policy"], answer.headers["x-content-type-options"]) == (
        "sandbox",
        "nosniff",
    )


def test_whoever_stops_reading_holds_no_file(server: ObjectServer, reel: str) -> None:
    def links() -> list[str]:
        return [str(path.resolve()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("open files are listed in /proc only")
    server.cloud.downloads.write("large", bytes(32 * 1024**2))
    url = server.signers.downloads.download("large", file_name="a", expires_s=60)
    with httpx.Client(verify=False) as client, client.stream("GET", url) as answer:
        assert answer.headers["content-length"] == str(32 * 1024**2)
        assert any(urlsplit(link).path.endswith("/downloads/large") for link in links())
    for _ in range(200):
        if not any(link.endswith("/downloads/large") for link in links()):
            return
        server.http.head(reel)  # a moment for the server
    pytest.fail("the file is still open")
