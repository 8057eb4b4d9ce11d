"""Captions against the reel's own sound: what is read is heard, when it is heard."""

import json
import statistics
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.container import InputContainer
from numpy.typing import NDArray
from pysubs2 import SSAEvent, SSAFile

from benchmarks.normalise import word_error_rate
from shared.media.speech_sound import SPEECH_RATE_HZ, SoundTrack, hear
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage

Samples = NDArray[np.float32]
pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(300)]

FPS = Fraction(25)
LENGTH_S = 60.0
FRAME_S = 1 / float(FPS)


def talk(folder: Path, speech: Path) -> Path:
    """Write a video with a picture that tells the time and the recording as its sound."""
    picture = make_clip(folder, ClipSpec(seconds=LENGTH_S, fps=FPS, has_sound=False))
    path = folder / "talk.mp4"
    with av.open(str(picture)) as pictures, av.open(str(speech)) as sounds, av.open(str(path), "w") as output:
        video, audio = pictures.streams.video[0], sounds.streams.audio[0]
        kinds: list[tuple[InputContainer, Any, Any]] = [(pictures, video, output.add_stream_from_template(video))]
        kinds.append((sounds, audio, output.add_stream_from_template(audio)))
        for container, source, stream in kinds:
            for packet in container.demux(source):
                if packet.pts is not None and packet.pts * packet.time_base < LENGTH_S:
                    packet.stream = stream
                    output.mux(packet)
    return path


def sound_of(path: Path) -> Samples:
    with av.open(str(path)) as container:
        index = container.streams.audio[0].index
        seconds = float((container.duration or 0) / av.time_base)
    with open(path, "rb") as file:
        return hear(file, SoundTrack(stream_index=index, start_s=0.0), start_s=0.0, end_s=seconds, name=path.name)


def found_at_s(piece: Samples, sound: Samples, near_s: float) -> float:
    """Return where the piece lies in the sound, within 0.3 s of where it is looked for, by correlation."""
    reach = round(0.3 * SPEECH_RATE_HZ)
    begin = max(0, round(near_s * SPEECH_RATE_HZ) - reach)
    around = sound[begin : begin + piece.size + 2 * reach]
    scores = np.correlate(around, piece, "valid")
    assert scores.max() > 0.9 * float(piece @ piece), "that very sound"
    return (begin + int(scores.argmax())) / SPEECH_RATE_HZ


@pytest.mark.parametrize("render", ["encode", "copy"])
def test_each_cue_is_on_screen_when_its_words_are_heard(
    montage: Montage, media_file: Callable[[str], Path], tmp_path: Path, render: str
) -> None:
    source = talk(tmp_path, media_file("speech/dialogue_3spk.m4a"))
    ended = montage("run", "--json", "--mode", "speech", "--target-s", "30", "--render", render, source)
    assert ended.code == 0, ended.err
    outputs = {name: Path(path) for name, path in ended.json["outputs"].items()}
    report = json.loads(outputs["report"].read_text())
    assert report["edit_list"]["render"] == render
    assert len(report["edit_list"]["clips"]) >= 3

    words = json.loads(outputs["transcript"].read_text())["words"]
    in_source, in_reel = sound_of(source), sound_of(outputs["reel"])
    cues = list(SSAFile.load(str(outputs["captions_vtt"])))
    off_s: list[float] = []
    at = 0
    for cue in cues:
        said = cue.plaintext.replace("\n", " ").split()
        at = next(n for n in range(at, len(words)) if [w["text"] for w in words[n : n + len(said)]] == said)
        first = words[at]
        begin = round(first["start_s"] * SPEECH_RATE_HZ)
        piece = in_source[begin : begin + SPEECH_RATE_HZ // 2]
        off_s.append(cue.start / 1000 - found_at_s(piece, in_reel, cue.start / 1000))
        at += len(said)
    assert max(map(abs, off_s)) <= FRAME_S, "the very sound of the cue's first word"

    again = montage("run", "--json", "--mode", "speech", "--out", "again", outputs["reel"])
    assert again.code == 0, again.err
    heard = json.loads(Path(again.json["outputs"]["transcript"]).read_text())["words"]
    read = " ".join(cue.plaintext.replace("\n", " ") for cue in cues)
    assert word_error_rate(read, " ".join(word["text"] for word in heard)) <= 0.1
    begins_s = [
        min((abs(cue.start / 1000 - word["start_s"]) for word in heard if word["text"] == first_word(cue)), default=9.0)
        for cue in cues
    ]
    assert statistics.median(begins_s) <= FRAME_S, "and when the model, hearing the reel, says that it begins"
    assert max(begins_s) <= 5 * FRAME_S


def first_word(cue: SSAEvent) -> str:
    return cue.plaintext.split()[0]
