"""Google's own emulators of Firestore and Pub/Sub, where the Google Cloud SDK has them."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.emulators.processes import free_port, server

FIRESTORE = "cloud-firestore-emulator/cloud_firestore_emulator"
PUBSUB = "pubsub-emulator/bin/cloud-pubsub-emulator"
PROJECT = "montage-test"


@contextmanager
def firestore_emulator(folder: Path) -> Iterator[str]:
    """Run the Firestore emulator and yield its host:port."""
    port = free_port()
    with server(
        [_program(FIRESTORE), "start", "--host=127.0.0.1", f"--port={port}"], log=folder / "firestore.log", port=port
    ):
        yield f"127.0.0.1:{port}"


@contextmanager
def pubsub_emulator(folder: Path) -> Iterator[str]:
    """Run the Pub/Sub emulator and yield its host:port."""
    port = free_port()
    with server([_program(PUBSUB), "--host=127.0.0.1", f"--port={port}"], log=folder / "pubsub.log", port=port):
        yield f"127.0.0.1:{port}"


def _program(name: str) -> Path:
    """Return an emulator's program; without it the test is skipped, but in CI (CI=true) it fails."""
    for root in _roots():
        program = root / "platform" / name
        if program.is_file():
            return program
    sentence = (
        f"Google's emulator {name.split('/')[0]} is not here: install it with the Google Cloud SDK, or name the SDK's "
        "folder in CLOUDSDK_ROOT_DIR"
    )
    if os.environ.get("CI") == "true":
        pytest.fail(sentence)
    pytest.skip(sentence)


def _roots() -> Iterator[Path]:
    """Yield where the Google Cloud SDK may be."""
    if named := os.environ.get("CLOUDSDK_ROOT_DIR"):
        yield Path(named)
    if gcloud := shutil.which("gcloud"):
        yield Path(gcloud).resolve().parents[1]
    yield Path("/usr/lib/google-cloud-sdk")
    yield Path.home() / "google-cloud-sdk"
