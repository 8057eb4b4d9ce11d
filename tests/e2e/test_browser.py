"""The reel in a real browser: it starts, moves, sounds and ends."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

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


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Return a folder and the address it is served at, on loopback."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("render", ["encode", "copy"])
def test_the_reel_plays_to_its_end_in_a_browser(
    montage: Montage, media_file: Callable[[str], Path], served: tuple[Path, str], render: str
) -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "the browser is missing: sudo apt-get install -y chromium"
    folder, address = served
    source = media_file("motion/dog_fetch_720p.mp4")
    ended = montage("run", "--json", "--quiet", "--render", render, source)
    assert ended.code == 0, ended.err
    report = json.loads(Path(ended.json["outputs"]["report"]).read_text())
    shutil.copy(ended.json["outputs"]["reel"], folder / "reel.mp4")
    (folder / "index.html").write_text('<!doctype html><video src="reel.mp4" muted></video>')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        page = browser.new_page()
        page.goto(f"{address}/index.html")
        played = page.evaluate(PLAY_TO_THE_END)
        browser.close()
    assert abs(played["duration"] - report["edit_list"]["duration_s"]) < 0.1
    assert (played["width"], played["height"]) == (1280, 720)
    assert played["frames"] > 0
    assert played["corrupted"] == 0
    assert played["audioBytes"] > 0
