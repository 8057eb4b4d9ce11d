"""The reel in a real browser: it starts, moves, sounds and ends."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.browser import opened_page
from tests.e2e.conftest import Montage

PLAY_TO_THE_END = """async () => {
    const video = document.querySelector("video");
    video.playbackRate = 4;
    await video.play();
    await new Promise((done, fail) => {
        video.onended = done;
        video.onerror = () => fail(video.error.message);
        setTimeout(() => fail(`stands at ${video.currentTime} of ${video.duration}`), 60000);
    });
    const quality = video.getVideoPlaybackQuality();
    return {
        duration: video.duration,
        width: video.videoWidth,
        height: video.videoHeight,
        frames: quality.totalVideoFrames,
        corrupted: quality.corruptedVideoFrames,
        audioBytes: video.webkitAudioDecodedByteCount,
    };
}"""


@pytest.mark.slow
@pytest.mark.parametrize("render", ["encode", "copy"])
def test_the_reel_plays_to_its_end_in_a_browser(
    montage: Montage, media_file: Callable[[str], Path], tmp_path: Path, render: str
) -> None:
    source = media_file("motion/dog_fetch_720p.mp4")
    ended = montage("run", "--json", "--quiet", "--render", render, source)
    assert ended.code == 0, ended.err
    report = json.loads(Path(ended.json["outputs"]["report"]).read_text())
    folder = tmp_path / "served"
    folder.mkdir()
    shutil.copy(ended.json["outputs"]["reel"], folder / "reel.mp4")
    (folder / "index.html").write_text('<!doctype html><video src="reel.mp4" muted></video>')
    with opened_page(folder) as page:
        played = page.evaluate(PLAY_TO_THE_END)
    assert abs(played["duration"] - report["edit_list"]["duration_s"]) < 0.1
    assert (played["width"], played["height"]) == (1280, 720)
    assert played["frames"] > 0
    assert played["corrupted"] == 0
    assert played["audioBytes"] > 0
