"""A source with sound only: a podcast becomes a transcript, captions and an audio reel, without what pose needs."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from benchmarks.normalise import word_error_rate
from shared.pipeline.timeline_file import TimelineFile
from tests.e2e.conftest import Montage

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(300)]
WITHOUT_LIBRARIES = (
    "from functions.local import cli; cli.missing_packages = lambda: ['libegl1']; raise SystemExit(cli.main())"
)


def test_a_recording_becomes_a_reel_of_sound(montage: Montage, media_file: Callable[[str], Path]) -> None:
    ended = montage("run", "--json", media_file("speech/jfk.flac"))
    assert ended.code == 0, ended.err
    outputs = {name: Path(path) for name, path in ended.json["outputs"].items()}
    assert outputs["reel"].name == "reel.m4a"
    assert not outputs.keys() & {"poster", "thumbs"}
    timeline = TimelineFile.model_validate_json(outputs["timeline_json"].read_bytes())
    assert (timeline.thumbs, timeline.motion) == (None, None)
    assert timeline.sound and max(timeline.sound.level_db) > -30
    with av.open(str(outputs["reel"])) as reel:
        assert [(each.type, each.codec_context.name) for each in reel.streams] == [("audio", "aac")]
        reel_s = float((reel.duration or 0) / av.time_base)
    report = json.loads(outputs["report"].read_text())
    assert reel_s == pytest.approx(report["edit_list"]["duration_s"], abs=0.03)
    assert (report["source"]["width"], report["source"]["codec"]) == (None, None)
    assert report["edit_list"]["why_not_copied"] == "it has no picture"
    words = json.loads(outputs["transcript"].read_text())["words"]
    spoken = media_file("speech/jfk.txt").read_text("utf-8")
    assert word_error_rate(spoken, " ".join(word["text"] for word in words)) <= 0.05
    assert "ask not what your country" in outputs["captions_srt"].read_text("utf-8").replace("\n", " ")


@pytest.mark.parametrize(("share", "code", "outcome"), [(0.75, 0, "damaged"), (0.25, 2, "corrupt")])
def test_a_recording_that_breaks_off_gives_what_there_is_or_says_so(
    montage: Montage, media_file: Callable[[str], Path], tmp_path: Path, share: float, code: int, outcome: str
) -> None:
    whole = tmp_path / "whole.m4a"
    with (
        av.open(str(media_file("speech/dialogue_3spk.m4a"))) as source,
        av.open(str(whole), "w", format="mp4", container_options={"movflags": "+faststart"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    cut = tmp_path / "cut.m4a"
    cut.write_bytes(whole.read_bytes()[: round(share * whole.stat().st_size)])
    ended = montage("run", "--json", "--mode", "speech", cut)
    assert ended.code == code, ended.err
    error = ended.json["error"]
    assert outcome in ([error["code"]] if error else [each["code"] for each in ended.json["warnings"]])


def test_speech_is_found_on_a_machine_that_cannot_look_for_movement(
    montage: Montage, media_file: Callable[[str], Path]
) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", WITHOUT_LIBRARIES, "run", *words, str(media_file("speech/jfk.flac"))]
        return subprocess.run(
            command, cwd=montage.folder, env=montage.environment, capture_output=True, text=True, timeout=100
        )

    refused = run()
    assert refused.returncode == 1
    assert "--mode speech can do without" in refused.stderr
    assert "sudo apt-get install -y libegl1" in refused.stderr
    assert run("--mode", "speech").returncode == 0
    assert (montage.folder / "out" / "jfk" / "reel.m4a").is_file()
