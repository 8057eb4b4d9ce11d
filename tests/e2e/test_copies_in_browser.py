"""Copied reels in a real browser: every frame comes, nothing stands still on the way."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import span
from shared.media.copy_points import copy_points
from shared.media.probe import probe
from shared.media.render import Rendered, render_reel
from tests.clips import ClipSpec, make_clip, set_edits
from tests.e2e.browser import opened_page

PLAY = """async (name) => {
    const video = document.createElement("video");
    document.body.replaceChildren(video);
    let stalls = 0;
    video.muted = true;
    video.src = name;
    await new Promise((done, fail) => { video.oncanplaythrough = done; video.onerror = () => fail(video.error.message); });
    video.onwaiting = () => { if (video.duration - video.currentTime > 0.2) stalls += 1; };
    video.playbackRate = 2;
    const ended = new Promise((done, fail) => {
        video.onended = done;
        video.onerror = () => fail(video.error.message);
        setTimeout(() => fail(`stands at ${video.currentTime} of ${video.duration}`), 30000);
    });
    await video.play();
    await ended;
    const quality = video.getVideoPlaybackQuality();
    return {
        stalls,
        duration: video.duration,
        ended: video.currentTime,
        frames: quality.totalVideoFrames,
        corrupted: quality.corruptedVideoFrames,
    };
}"""  # noqa: E501
SOURCES = {
    "no_b_frames": ClipSpec(b_frames=0),
    "16_b_frames": ClipSpec(b_frames=16, b_pyramid=True),
    "pyramid_59.94": ClipSpec(b_frames=5, b_pyramid=True, fps=Fraction(60000, 1001)),
    "variable_mkv": ClipSpec(b_frames=3, gaps_ms=(33, 33, 50, 100, 17), suffix=".mkv"),
    "hour_ts": ClipSpec(b_frames=3, b_pyramid=True, start_s=3600.0, suffix=".ts"),
    "fragmented": ClipSpec(container_options={"movflags": "frag_keyframe+empty_moov"}),
}


def copied(path: Path, made: Path) -> Rendered:
    """Copy six clips, out of order, and return what was written."""
    file = io.BytesIO(path.read_bytes())
    video = probe(file, name="x")
    keys = copy_points(file, video, name="x").keyframes_s
    spans = [span(keys[5 * n % 6], keys[5 * n % 6 + 1 + n % 2]) for n in range(6)]
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=()) for each in spans)
    return render_reel(file, video, EditList(render="copy", clips=clips), made)


@pytest.mark.slow
def test_copied_reels_play_to_their_end_without_a_stall(tmp_path: Path) -> None:
    folder = tmp_path / "served"
    folder.mkdir()
    made = {}
    for number, (kind, spec) in enumerate(SOURCES.items()):
        (tmp_path / str(number)).mkdir()
        path = make_clip(tmp_path / str(number), replace(spec, keyframe_s=0.6))
        made[kind] = copied(path, folder / f"{kind}.mp4")
    trimmed = make_clip(tmp_path, ClipSpec(keyframe_s=0.6, has_sound=False))
    set_edits(trimmed, [(0.5, -1.0), (5.0, 0.7)])
    made["trimmed"] = copied(trimmed, folder / "trimmed.mp4")
    (folder / "index.html").write_text("<!doctype html><body></body>")
    with opened_page(folder) as page:
        for kind, rendered in made.items():
            played = page.evaluate(PLAY, f"{kind}.mp4")
            assert played["duration"] == pytest.approx(rendered.duration_s, abs=0.05), kind
            assert played["ended"] == pytest.approx(played["duration"], abs=0.001), kind
            assert (played["stalls"], played["corrupted"]) == (0, 0), kind
            assert rendered.frames - 2 <= played["frames"] <= rendered.frames + 2, kind
