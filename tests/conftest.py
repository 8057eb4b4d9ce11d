"""What every test may ask for."""

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Undo what an entry point that runs in this process sets up for a process of its own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def media_file() -> Callable[[str], Path]:
    """Return a finder of real recordings by name, in MONTAGE_MEDIA or in `shared/media` beside the checkout.

    They are too large for the repository: without them a test is skipped, but in CI (CI=true) it fails.
    """
    folder = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")

    def find(name: str) -> Path:
        path = folder / name
        if path.exists():
            return path
        sentence = f"no recording {name} in {folder}; MONTAGE_MEDIA names another folder"
        if os.environ.get("CI") == "true":
            pytest.fail(sentence)
        pytest.skip(sentence)

    return find
