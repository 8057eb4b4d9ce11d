"""Signed addresses in use, by plain HTTP: what starts an upload or gives a download, and what is refused."""

import secrets
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_storage import CloudStorage
from shared.adapters.gcp.signed_urls import SignedUrls
from shared.errors import AlreadyThere
from shared.settings import GoogleSettings
from tests.contracts.url_signer import BODY, MOST, Shop, UrlSignerContract
from tests.emulators.signing_keys import signing_key, with_key
from tests.emulators.storage_proxy import StorageProxy, storage_proxy

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

UPLOADER, DOWNLOADER = "uploader@montage-test.example", "downloader@montage-test.example"


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


@dataclass(kw_only=True)
class Buckets:
    """The two buckets, and who signs for them."""

    uploads: CloudStorage
    downloads: CloudStorage
    signed: SignedUrls
    signed_downloads: SignedUrls


@pytest.fixture(scope="module")
def buckets(proxy_and_clock: tuple[StorageProxy, list[float]]) -> Iterator[Buckets]:
    proxy, _ = proxy_and_clock
    clients = GoogleClients(GoogleSettings(project="montage-test", storage_emulator_host=proxy.url))
    signers = {"uploads": with_key(UPLOADER), "downloads": with_key(DOWNLOADER)}
    with closing(clients):
        client = clients.storage
        for bucket in ("uploads", "downloads"):
            client.create_bucket(bucket)
        yield Buckets(
            uploads=CloudStorage(client, "uploads", timeout_s=20),
            downloads=CloudStorage(client, "downloads", timeout_s=20),
            signed=SignedUrls(client, "uploads", **signers),
            signed_downloads=SignedUrls(client, "downloads", **signers),
        )


@pytest.fixture
def shop(proxy_and_clock: tuple[StorageProxy, list[float]], buckets: Buckets) -> Iterator[Shop]:
    _, later = proxy_and_clock
    later[0] = 0.0
    name = f"uploads/{secrets.token_hex(13)}/source"
    with closing(httpx.Client(timeout=20)) as http:
        yield Shop(signer=buckets.signed, store=buckets.uploads, http=http, later=later, name=name)


class TestSignedUrls(UrlSignerContract):
    """On an emulated Cloud Storage."""


def test_each_account_can_do_only_its_own_work(shop: Shop, buckets: Buckets) -> None:
    swapped = SignedUrls(
        buckets.uploads._bucket.client, "uploads", uploads=with_key(DOWNLOADER), downloads=with_key(UPLOADER)
    )
    upload = swapped.single_upload(shop.name, content_type="video/mp4", max_bytes=MOST, expires_s=60)
    assert shop.send(upload, BODY).status_code == 403, "who may read may not create"
    shop.store.write(shop.name, BODY)
    assert shop.http.get(swapped.download(shop.name, file_name="x.mp4", expires_s=60)).status_code == 403
    elsewhere = buckets.signed_downloads.single_upload("x", content_type="video/mp4", max_bytes=9, expires_s=60)
    assert shop.send(elsewhere, b"reel").status_code == 403, "uploads go into their own bucket"


def test_a_large_file_is_created_once_by_its_resumable_upload(
    buckets: Buckets, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("large") / "large"
    path.write_bytes(BODY * 20)  # more than goes in one request
    buckets.downloads.delete("large")
    written = buckets.downloads.upload(path, "large", only_if_absent=True)
    assert written.size_bytes == 20 * len(BODY)
    with pytest.raises(AlreadyThere):
        buckets.downloads.upload(path, "large", only_if_absent=True)
