"""Captions against the reel's own sound: what is read is heard, when it is heard."""

import json
import statistics
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

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

PAL, NTSC = Fraction(25), Fraction(30000, 1001)
FRAME_S = 1 / 30  # of the faster
SILENCE_S = 5.0
SPOKEN = ("librivox_0870.wav", "librivox_0890.wav", "librivox_0920.wav")
JOIN_S = 2.0  # reaches into the words at both ends of a clip
LIKENESS = {"cut": 0.9, "dip": 0.9, "crossfade": 0.5}
"""Of what is heard to what was said; in a cross-fade somebody else is heard, too."""
QUIET = 1e-6
MODEL_DOUBTS_S = 0.3  # hearing the same words after another silence, it may put a soft beginning elsewhere


def talk(folder: Path, recordings: list[Path], fps: Fraction) -> Path:
    """Write a video in which the recordings are heard one after the other, with silence between them."""
    picture = make_clip(folder, ClipSpec(seconds=20.0, fps=fps, has_sound=False))
    parts = []
    for recording in recordings:
        with av.open(str(recording)) as heard:
            seconds = float((heard.duration or 0) / av.time_base)
        parts.append(Part(clip=picture, span=span(0.0, SILENCE_S)))
        parts.append(Part(clip=picture, span=span(0.0, seconds), speech=recording))
    path = folder / "talk.mp4"
    write_film(path, parts, size=(160, 90), fps=fps)
    return path


def sound_of(path: Path) -> Samples:
    with av.open(str(path)) as container:
        index = container.streams.audio[0].index
        seconds = float((container.duration or 0) / av.time_base)
    with open(path, "rb") as file:
        return hear(file, SoundTrack(stream_index=index, start_s=0.0), start_s=0.0, end_s=seconds, name=path.name)


def found_at_s(piece: Samples, sound: Samples, near_s: float, likeness: float) -> float:
    """Return where the piece lies in the sound, within 0.3 s of where it is looked for, by correlation."""
    reach = round(0.3 * SPEECH_RATE_HZ)
    begin = max(0, round(near_s * SPEECH_RATE_HZ) - reach)
    around = sound[begin : begin + piece.size + 2 * reach]
    power = np.convolve(around**2, np.ones(piece.size, np.float32), "valid")
    scores = np.correlate(around, piece, "valid") / np.sqrt(np.maximum(power, QUIET) * float(piece @ piece))
    assert scores.max() > likeness, "that very sound"
    return (begin + int(scores.argmax())) / SPEECH_RATE_HZ


def clip_begins_s(edit_list: dict[str, Any], t_s: float) -> float:
    """Return when the clip that is heard at a time began; of a cross-fade it has the second half."""
    lengths_s = [clip["actual"][1] - clip["actual"][0] for clip in edit_list["clips"]]
    join_s = edit_list["join"]["duration_s"] if edit_list["join"]["kind"] == "crossfade" else 0.0
    begins_s, end_s = [0.0], 0.0
    for before_s, length_s in pairwise(lengths_s):
        fade_s = min(join_s, before_s / 2, length_s / 2)
        end_s += before_s - fade_s
        begins_s.append(end_s + fade_s / 2)
    return max(each for each in begins_s if each <= t_s)


@pytest.mark.parametrize(
    ("render", "join", "fps"),
    [("encode", "cut", PAL), ("copy", "cut", PAL), ("encode", "crossfade", NTSC), ("encode", "dip", NTSC)],
)
def test_each_cue_is_on_screen_when_its_words_are_heard(
    montage: Montage, media_file: Callable[[str], Path], tmp_path: Path, render: str, join: str, fps: Fraction
) -> None:
    source = talk(tmp_path, [media_file(f"speech/{name}") for name in SPOKEN], fps)
    joined = ("--join", join, "--join-s", str(JOIN_S)) if join != "cut" else ()
    ended = montage("run", "--json", "--mode", "speech", "--render", render, *joined, source)
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
    assert len(cues) >= len(SPOKEN)
    for cue in cues:
        said = cue.plaintext.replace("\n", " ").split()
        at = next(n for n in range(at, len(words)) if [w["text"] for w in words[n : n + len(said)]] == said)
        first = words[at]
        begin = round(first["start_s"] * SPEECH_RATE_HZ)
        piece = in_source[begin : begin + SPEECH_RATE_HZ // 2]
        heard_s = found_at_s(piece, in_reel, cue.start / 1000, LIKENESS[join])
        off_s.append(cue.start / 1000 - max(heard_s, clip_begins_s(report["edit_list"], cue.start / 1000 + FRAME_S)))
        at += len(said)
    assert max(map(abs, off_s)) <= FRAME_S, "the very sound of the cue's first word"

    if join != "cut":
        return  # what is faded is not heard as it was said
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
