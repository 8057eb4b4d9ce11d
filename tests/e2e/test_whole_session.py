"""The long session, cut and worked on in different ways: always the same report and the same reel."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Montage
from tests.motion_truth import covered, f1

WAYS = {
    "chunks of 20 s": ["--chunk-s", "20"],
    "chunks of 60 s, two workers": ["--chunk-s", "60", "--workers", "2"],
    "chunks of 60 s, one worker": ["--chunk-s", "60", "--workers", "1"],
    "one chunk": ["--chunk-s", "9999"],
}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_session_is_the_same_for_any_chunks_and_workers(
    montage: Montage, media_file: Callable[[str], Path], reports: Callable[..., list[dict[str, Any]]]
) -> None:
    source = media_file("raw_session_mixed_720p.mp4")
    truth = json.loads(media_file("raw_session_mixed_720p.intervals.json").read_text())
    outputs = []
    for name, words in WAYS.items():
        ended = montage("run", "--json", "--quiet", "--out", name, *words, source, timeout_s=300)
        assert ended.code == 0, ended.err
        outputs.append(ended.json["outputs"])
    first, *others = reports([each["report"] for each in outputs])
    assert all(other == first for other in others)
    reels = {hashlib.sha256(Path(each["reel"]).read_bytes()).hexdigest() for each in outputs}
    assert len(reels) == 1
    marked = truth["motion_intervals"]
    assert f1(first["motion"], marked, duration_s=truth["duration"]) >= 0.90
    assert [event for event in marked if covered(event, first["motion"]) <= 0.3] == []
