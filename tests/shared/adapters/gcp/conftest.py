"""Emulators, one of each for all tests here."""

from collections.abc import Iterator

import pytest

from tests.emulators.fake_gcs import fake_gcs


@pytest.fixture(scope="session")
def fake_gcs_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with fake_gcs(tmp_path_factory.mktemp("fake_gcs")) as url:
        yield url
