"""Google's emulators, one of each for the whole test run."""

from collections.abc import Iterator

import pytest

from tests.emulators import google


@pytest.fixture(scope="session")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where Google's Firestore emulator answers; a project of its own makes a test's store empty."""
    with google.firestore_emulator(tmp_path_factory.mktemp("firestore")) as host:
        yield host
