"""The API as a function of the emulated cloud: with keys only, and by addresses that it cannot sign alone."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.connect import connect_keys
from shared.domain.api_key import ApiKey, Scope, hash_of, new_key
from shared.domain.object_names import source
from shared.ports import KeyStore, SignedUpload
from tests.clips import ClipSpec, make_clip
from tests.emulators.cloud import DOWNLOADER, UPLOADER, EmulatedCloud, emulated_cloud
from tests.emulators.plain_http import download, upload

pytestmark = [pytest.mark.emulators, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedCloud]:
    with emulated_cloud(tmp_path_factory.mktemp("cloud"), functions=("on_upload", "api")) as here, here.explaining():
        yield here


@pytest.fixture(scope="module")
def keys(cloud: EmulatedCloud) -> Iterator[KeyStore]:
    with closing(connect_keys(cloud.settings)) as keys:
        yield keys


def shown(keys: KeyStore, *scopes: Scope, owner: str = "ana") -> dict[str, str]:
    """Return the header of a new key."""
    key = new_key()
    assert keys.add(ApiKey(sha256=hash_of(key), owner=owner, name="", created_at=time.time(), scopes=scopes))
    return {"Authorization": f"Bearer {key}"}


def test_a_film_goes_up_and_comes_down_by_addresses_that_iam_signed(
    cloud: EmulatedCloud, keys: KeyStore, tmp_path: Path
) -> None:
    film, copy = make_clip(tmp_path, ClipSpec(seconds=2.0)), tmp_path / "copy.mp4"
    file = {"name": film.name, "size_bytes": film.stat().st_size, "content_type": "video/mp4"}
    with httpx.Client(base_url=cloud.functions["api"], timeout=30) as http:
        begun = http.post("/v1/uploads", json={"files": [file]}, headers=shown(keys, "upload"))
        assert begun.status_code == 201, begun.text
        told: dict[str, Any] = begun.json()["jobs"][0]
        to = told["upload"]
        upload(http, SignedUpload(url=to["url"], method=to["method"], headers=to["headers"], expires_at=0.0), film)
        assert cloud.cloud.jobs.get(told["job"]).owner == "ana"
        assert cloud.cloud.uploads.stat(source(told["job"])).size_bytes == film.stat().st_size
        cloud.wait_for([told["job"]], timeout_s=60, until=lambda job: job.source.generation is not None)
        found = http.get(f"/v1/jobs/{told['job']}/artifacts/source", headers=shown(keys, "read"))
        assert found.status_code == 302, found.text
        download(http, found.headers["Location"], copy)
    assert copy.read_bytes() == film.read_bytes()
    assert {UPLOADER, DOWNLOADER} <= set(cloud.iam.signed_as)


def test_nobody_is_let_in_without_a_key_that_counts(cloud: EmulatedCloud, keys: KeyStore) -> None:
    with httpx.Client(base_url=cloud.functions["api"], timeout=30) as http:
        assert http.get("/v1/health").status_code == 200
        assert http.get("/v1/jobs").status_code == 401
        reader = shown(keys, "read")
        assert http.get("/v1/jobs", headers=reader).status_code == 200
        assert http.post("/v1/uploads", json={}, headers=reader).status_code == 403
        keys.revoke(hash_of(reader["Authorization"].removeprefix("Bearer ")), at=time.time())
        give_up_at = time.monotonic() + 8
        while http.get("/v1/jobs", headers=reader).status_code != 401:
            assert time.monotonic() < give_up_at
            time.sleep(0.5)


def test_a_body_of_100_mb_is_refused_by_the_function_as_well(cloud: EmulatedCloud) -> None:
    pieces = (b" " * 10**6 for _ in range(100))
    refused = httpx.post(
        f"{cloud.functions['api']}v1/uploads", content=pieces, headers={"Content-Length": str(10**8)}, timeout=30
    )
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
