"""Addresses signed through the emulated IAM, used by plain HTTP on a store that checks every signature."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from shared.connect import connect_signers
from shared.errors import MontageError
from shared.ports import Signers
from shared.settings import GoogleSettings, Settings
from tests.emulators.fake_iam import FakeIam, fake_iam
from tests.emulators.plain_http import download, upload
from tests.emulators.signing_keys import signing_key
from tests.emulators.storage_proxy import StorageProxy, storage_proxy

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

UPLOADER, DOWNLOADER, STRANGER = (f"{name}@montage.iam.gserviceaccount.com" for name in ("up", "down", "stranger"))
UPLOADS, DOWNLOADS = "montage-uploads", "montage-downloads"


@pytest.fixture(scope="module")
def iam() -> Iterator[FakeIam]:
    with fake_iam({UPLOADER, DOWNLOADER}) as iam:
        yield iam


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageProxy]:
    form = PublicFormat.SubjectPublicKeyInfo
    keys = {email: signing_key(email).public_key().public_bytes(Encoding.PEM, form) for email in (UPLOADER, DOWNLOADER)}
    with storage_proxy(
        tmp_path_factory.mktemp("storage"),
        keys=keys,
        rights={UPLOADER: {("create", UPLOADS)}, DOWNLOADER: {("get", UPLOADS), ("get", DOWNLOADS)}},
    ) as storage:
        anonymous = AnonymousCredentials()  # type: ignore[no-untyped-call]
        client = Client(project="montage", credentials=anonymous, client_options={"api_endpoint": storage.url})
        for bucket in (UPLOADS, DOWNLOADS):
            client.create_bucket(bucket)
        client.close()
        yield storage


def signers(iam: FakeIam, storage: StorageProxy, *, uploader: str = UPLOADER) -> Signers:
    google = GoogleSettings(
        project="montage",
        uploads_bucket=UPLOADS,
        downloads_bucket=DOWNLOADS,
        upload_signer=uploader,
        download_signer=DOWNLOADER,
        storage_emulator_host=storage.url,
        iam_emulator_host=iam.host,
    )
    return connect_signers(Settings(cloud="gcp", google=google))


def test_what_is_signed_through_it_is_uploaded_and_downloaded(
    iam: FakeIam, storage: StorageProxy, tmp_path: Path
) -> None:
    film, copy = tmp_path / "film.mp4", tmp_path / "copy.mp4"
    film.write_bytes(b"film" * 200_000)
    made = signers(iam, storage)
    signed = made.uploads.resumable_upload("a/film", content_type="video/mp4", max_bytes=10**6, expires_s=60)
    with httpx.Client(timeout=20) as http:
        upload(http, signed, film, chunk_bytes=256 * 1024)
        download(http, made.uploads.download("a/film", file_name="film.mp4", expires_s=60), copy)
        assert copy.read_bytes() == film.read_bytes()
        tampered = made.uploads.download("a/film", file_name="film.mp4", expires_s=60).replace("a/film", "a/else")
        assert http.get(tampered).status_code == 403
    assert iam.signed_as == [UPLOADER, DOWNLOADER, DOWNLOADER]


def test_it_signs_for_nobody_it_does_not_know(iam: FakeIam, storage: StorageProxy) -> None:
    before = list(iam.signed_as)
    stranger = signers(iam, storage, uploader=STRANGER).uploads
    with pytest.raises(MontageError) as refused:
        stranger.single_upload("a/film", content_type="video/mp4", max_bytes=10, expires_s=60)
    assert refused.value.code == "not_allowed"
    assert iam.signed_as == before


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"/v1/projects/-/serviceAccounts/{UPLOADER}:signBlob", b'{"payload": "not base64!"}', 400),
        (f"/v1/projects/-/serviceAccounts/{UPLOADER}:signBlob", b"[]", 400),
        (f"/v1/projects/-/serviceAccounts/{UPLOADER}:signJwt", b'{"payload": ""}', 404),
        ("/", b"", 404),
    ],
)
def test_what_is_no_call_of_sign_blob_is_refused(iam: FakeIam, path: str, body: bytes, status: int) -> None:
    assert httpx.post(f"http://{iam.host}{path}", content=body).status_code == status
