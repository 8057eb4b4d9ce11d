"""Emulators, one of each for all tests that ask for it."""

from collections.abc import Iterator

import pytest

from tests.emulators.google import firestore_emulator, pubsub_emulator
from tests.emulators.storage_proxy import storage_proxy


@pytest.fixture(scope="session")
def storage_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the address of an emulated Cloud Storage; a bucket of its own keeps a test apart."""
    with storage_proxy(tmp_path_factory.mktemp("storage"), keys={}, rights={}) as proxy:
        yield proxy.url


@pytest.fixture(scope="session")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return host:port of Google's Firestore emulator; a project of its own makes a test's store empty."""
    with firestore_emulator(tmp_path_factory.mktemp("firestore")) as host:
        yield host


@pytest.fixture(scope="session")
def pubsub_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return host:port of Google's Pub/Sub emulator."""
    with pubsub_emulator(tmp_path_factory.mktemp("pubsub")) as host:
        yield host
