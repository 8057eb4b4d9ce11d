"""Captions against the reel's own sound: what is read is heard, when it is heard."""

import json
import statistics
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from pysubs2 import SSAEvent, SSAFile

from benchmarks.normalise import word_error_rate
from shared.domain.span import span
from shared.media.film import Part, write_film
from shared.media.speech_sound import SPEECH_RATE_HZ, SoundTrack, hear
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage

Samples = NDArray[np.float32]
pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(300)]

FPS = Fraction(25)
SILENCE_S = 5.0
SPOKEN = ("librivox_0870.wav", "librivox_0890.wav", "librivox_0920.wav")
FRAME_S = 1 / float(FPS)
MODEL_DOUBTS_S = 0.3  # hearing the same words after another silence, it may put a soft beginning elsewhere


def talk(folder: Path, recordings: list[Path]) -> Path:
    """Write a video in which the recordings are heard one after the other, with silence between them."""
    picture = make_clip(folder, ClipSpec(seconds=20.0, fps=FPS, has_sound=False))
    parts = []
    for recording in recordings:
        with av.open(str(recording)) as heard:
            seconds = float((heard.duration or 0) / av.time_base)
        parts.append(Part(clip=picture, span=span(0.0, SILENCE_S)))
        parts.append(Part(clip=picture, span=span(0.0, seconds), speech=recording))
    path = folder / "talk.mp4"
    write_film(path, parts, size=(160, 90), fps=FPS)
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
    source = talk(tmp_path, [media_file(f"speech/{name}") for name in SPOKEN])
    ended = montage("run", "--json", "--mode", "speech", "--render", render, source)
    assert ended.code == 0, ended.err
    outputs = {name: Path(path) for name, path in ended.json["outputs"].items()}
    report = json.loads(outputs["report"].read_text())
    assert report["edit_list"]["render"] == render
    assert len(report["edit_list"]["clips"]) == len(SPOKEN)

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
        min(abs(cue.start / 1000 - word["start_s"]) for word in heard if bare(word["text"]) == first_word(cue))
        for cue in cues
    ]
    assert statistics.median(begins_s) <= FRAME_S, "and when the model, hearing the reel, says that it begins"
    assert max(begins_s) <= MODEL_DOUBTS_S


def first_word(cue: SSAEvent) -> str:
    return bare(cue.plaintext.split()[0])


def bare(word: str) -> str:
    return word.strip(".,;:!?\"'").casefold()
