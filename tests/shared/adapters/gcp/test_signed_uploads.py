"""Signed addresses in use, by plain HTTP: what starts an upload or gives a download, and what is refused."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_storage import CloudStorage
from shared.adapters.gcp.signed_urls import SignedUrls
from shared.errors import AlreadyThere, NotFound
from shared.ports import SignedUpload
from shared.settings import GoogleSettings
from tests.emulators.signing_keys import signing_key, with_key
from tests.emulators.storage_proxy import StorageProxy, storage_proxy

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

UPLOADER, DOWNLOADER = "uploader@montage-test.example", "downloader@montage-test.example"
QUANTUM = 256 * 1024
BODY = bytes(range(256)) * 4096  # 1 MiB
MOST = 2 * len(BODY)
NAME = "uploads/" + "a" * 26 + "/source"


class Shop:
    """The two buckets, who signs for them, and a browser."""

    def __init__(self, proxy: StorageProxy, clients: GoogleClients, now: list[float]) -> None:
        client = clients.storage
        self.later = now
        self.store = CloudStorage(client, "uploads", timeout_s=20)
        self.downloads = CloudStorage(client, "downloads", timeout_s=20)
        signers = {"uploads": with_key(UPLOADER), "downloads": with_key(DOWNLOADER)}
        self.signed = SignedUrls(client, "uploads", **signers)
        self.signed_downloads = SignedUrls(client, "downloads", **signers)
        self.http = httpx.Client(timeout=20)

    def ask(self, *, resumable: bool, name: str = NAME, expires_s: int = 600) -> SignedUpload:
        make = self.signed.resumable_upload if resumable else self.signed.single_upload
        return make(name, content_type="video/mp4", max_bytes=MOST, expires_s=expires_s)

    def send(self, upload: SignedUpload, body: bytes = b"", **changed: str) -> httpx.Response:
        """Do what an upload asks for."""
        headers = {**upload.headers, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return self.http.request(upload.method, upload.url, headers=headers, content=body)

    def part(self, session: str, first: int, beyond: int, body: bytes = BODY) -> httpx.Response:
        said = f"bytes {first}-{beyond - 1}/{len(body)}"
        return self.http.put(session, content=body[first:beyond], headers={"Content-Range": said})

    def received(self, session: str) -> str | None:
        answer = self.http.put(session, headers={"Content-Range": "bytes */*"})
        assert answer.status_code == 308
        found: str | None = answer.headers.get("Range")
        return found


@pytest.fixture(scope="module")
def proxy_and_clock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StorageProxy, list[float]]]:
    later = [0.0]
    pem = {
        email: signing_key(email).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for email in (UPLOADER, DOWNLOADER)
    }
    with storage_proxy(
        tmp_path_factory.mktemp("signed"),
        keys=pem,
        rights={UPLOADER: {("create", "uploads")}, DOWNLOADER: {("get", "downloads"), ("get", "uploads")}},
        clock=lambda: time.time() + later[0],
    ) as proxy:
        yield proxy, later


@pytest.fixture
def shop(proxy_and_clock: tuple[StorageProxy, list[float]]) -> Iterator[Shop]:
    proxy, later = proxy_and_clock
    later[0] = 0.0
    clients = GoogleClients(GoogleSettings(project="montage-test", storage_emulator_host=proxy.url))
    for bucket in ("uploads", "downloads"):
        if not clients.storage.bucket(bucket).exists():
            clients.storage.create_bucket(bucket)
    made = Shop(proxy, clients, later)
    made.store.delete(NAME)
    with closing(made.http), closing(clients):
        yield made


def begun(shop: Shop) -> str:
    answer = shop.send(shop.ask(resumable=True))
    assert answer.status_code == 201
    return str(answer.headers["Location"])


def test_a_whole_upload_arrives_with_its_type(shop: Shop) -> None:
    assert shop.send(shop.ask(resumable=False), BODY).status_code == 200
    assert shop.store.read(NAME) == BODY
    address = shop.signed.download(NAME, file_name="ride.mp4", expires_s=60)
    found = shop.http.get(address)
    assert (found.content, found.headers["content-type"]) == (BODY, "video/mp4")


def test_an_upload_that_breaks_off_goes_on_where_the_store_says(shop: Shop) -> None:
    session = begun(shop)
    assert shop.received(session) is None
    assert shop.part(session, 0, QUANTUM).status_code == 308
    assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"
    with pytest.raises(NotFound):
        shop.store.stat(NAME)  # nothing is there before all of it is
    shop.later[0] = 24 * 3600  # the session outlives the address
    assert shop.part(session, QUANTUM, len(BODY)).status_code in (200, 201)
    assert shop.store.read(NAME) == BODY


def test_bytes_sent_again_count_once(shop: Shop) -> None:
    session = begun(shop)
    shop.part(session, 0, 2 * QUANTUM)
    assert shop.part(session, QUANTUM, len(BODY)).status_code in (200, 201)
    assert shop.store.read(NAME) == BODY


@pytest.mark.parametrize("resumable", [False, True])
def test_an_address_that_has_expired_starts_nothing(shop: Shop, resumable: bool) -> None:
    upload = shop.ask(resumable=resumable, expires_s=60)
    assert upload.expires_at == pytest.approx(time.time() + 60, abs=5)
    shop.later[0] = 61.0
    assert shop.send(upload, b"" if resumable else BODY).status_code == 400
    with pytest.raises(NotFound):
        shop.store.stat(NAME)


def with_query(url: str, **changed: str) -> str:
    parts = urlsplit(url)
    query = {**dict(parse_qsl(parts.query)), **changed}
    return parts._replace(query=urlencode(query)).geturl()


TAMPERED: dict[str, Callable[[SignedUpload], SignedUpload]] = {
    "another object": lambda it: changed(it, it.url.replace("aaaa/source", "aaab/source")),
    "a longer life": lambda it: changed(it, with_query(it.url, **{"X-Goog-Expires": "86400"})),
    "another date": lambda it: changed(it, with_query(it.url, **{"X-Goog-Date": "20300101T000000Z"})),
    "fewer signed headers": lambda it: changed(it, with_query(it.url, **{"X-Goog-SignedHeaders": "host"})),
    "a byte of the signature": lambda it: changed(it, it.url[:-1] + ("0" if it.url[-1] != "0" else "1")),
    "no signature": lambda it: changed(it, it.url.split("?")[0]),
    "another method": lambda it: SignedUpload(
        url=it.url, method="DELETE", headers=it.headers, expires_at=it.expires_at
    ),
    "a larger bound": lambda it: SignedUpload(
        url=it.url,
        method=it.method,
        headers={**it.headers, "x-goog-content-length-range": f"0,{10 * MOST}"},
        expires_at=it.expires_at,
    ),
}


def changed(upload: SignedUpload, url: str) -> SignedUpload:
    assert url != upload.url
    return SignedUpload(url=url, method=upload.method, headers=upload.headers, expires_at=upload.expires_at)


@pytest.mark.parametrize("resumable", [False, True])
@pytest.mark.parametrize("what", TAMPERED)
def test_an_address_that_was_tampered_with_is_refused(shop: Shop, what: str, resumable: bool) -> None:
    answer = shop.send(TAMPERED[what](shop.ask(resumable=resumable)), b"" if resumable else BODY)
    assert answer.status_code in (400, 403)
    assert list(shop.store.list("")) == []


@pytest.mark.parametrize("resumable", [False, True])
def test_another_type_is_refused(shop: Shop, resumable: bool) -> None:
    answer = shop.send(shop.ask(resumable=resumable), b"" if resumable else BODY, content_type="text/html")
    assert answer.status_code in (400, 403)


@pytest.mark.parametrize("resumable", [False, True])
def test_more_than_was_allowed_is_refused(shop: Shop, resumable: bool) -> None:
    large = BODY * 3
    if resumable:
        session = begun(shop)
        shop.part(session, 0, QUANTUM, large)
        answer = shop.part(session, QUANTUM, len(large), large)
    else:
        answer = shop.send(shop.ask(resumable=False), large)
    assert answer.status_code == 400
    assert "EntityTooLarge" in answer.text
    with pytest.raises(NotFound):
        shop.store.stat(NAME)


@pytest.mark.parametrize("resumable", [False, True])
def test_a_second_upload_of_one_object_is_refused(shop: Shop, resumable: bool) -> None:
    again = shop.ask(resumable=resumable)
    session = begun(shop) if resumable else ""
    assert shop.send(shop.ask(resumable=False), BODY).status_code == 200
    if resumable:
        assert shop.part(session, 0, len(BODY), BODY[::-1]).status_code == 412, "begun before, ended after"
    assert shop.send(again, b"" if resumable else BODY[::-1]).status_code == 412
    assert shop.store.read(NAME) == BODY


def test_of_two_sessions_of_one_address_one_makes_the_object(shop: Shop) -> None:
    upload = shop.ask(resumable=True)
    first, second = (str(shop.send(upload).headers["Location"]) for _ in range(2))
    assert shop.part(second, 0, len(BODY)).status_code in (200, 201)
    assert shop.part(first, 0, len(BODY), BODY[::-1]).status_code == 412
    assert shop.store.read(NAME) == BODY


def test_each_account_can_do_only_its_own_work(shop: Shop) -> None:
    shop.downloads.write("downloads/x/r1/reel.mp4", b"reel")
    swapped = SignedUrls(
        shop.store._bucket.client, "uploads", uploads=with_key(DOWNLOADER), downloads=with_key(UPLOADER)
    )
    upload = swapped.single_upload(NAME, content_type="video/mp4", max_bytes=MOST, expires_s=60)
    assert shop.send(upload, BODY).status_code == 403, "who may read may not create"
    shop.store.write(NAME, BODY)
    assert shop.http.get(swapped.download(NAME, file_name="x.mp4", expires_s=60)).status_code == 403
    elsewhere = shop.signed_downloads.single_upload("x", content_type="video/mp4", max_bytes=9, expires_s=60)
    assert shop.send(elsewhere, b"reel").status_code == 403, "uploads go into their own bucket"


def test_a_reel_is_saved_under_the_users_name(shop: Shop) -> None:
    shop.downloads.delete("downloads/x/r1/reel.mp4")
    shop.downloads.write("downloads/x/r1/reel.mp4", b"reel")
    address = shop.signed_downloads.download("downloads/x/r1/reel.mp4", file_name='été "1"\n.mp4', expires_s=60)
    answer = shop.http.get(address)
    assert answer.content == b"reel"
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert "%C3%A9t%C3%A9" in answer.headers["content-disposition"]


def test_a_large_file_is_created_once_by_its_resumable_upload(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("large") / "large"
    path.write_bytes(BODY * 20)  # more than goes in one request
    shop.downloads.delete("large")
    written = shop.downloads.upload(path, "large", only_if_absent=True)
    assert written.size_bytes == 20 * len(BODY)
    with pytest.raises(AlreadyThere):
        shop.downloads.upload(path, "large", only_if_absent=True)
