"""Clips, each made once per test run, and sources with what is known of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.clips import ClipMaker, ClipSpec, make_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> ClipMaker:
    """Return a maker of clips that makes each one once."""
    made: dict[str, Path] = {}

    def clip_of(spec: ClipSpec) -> Path:
        if repr(spec) not in made:
            made[repr(spec)] = make_clip(tmp_path_factory.mktemp("clip"), spec)
        return made[repr(spec)]

    return clip_of
