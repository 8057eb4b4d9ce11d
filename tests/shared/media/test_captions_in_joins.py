"""Captions held against rendered reels, by ear and by eye: every word begins when it is heard and seen to.

The source's sound is noise, so any quarter of a second of it is found in the reel again, faded and mixed or not.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from shared.domain.cues import Cue, reel_cues
from shared.domain.edit_list import Clip, EditList, Join
from shared.domain.reel_time import shown_clips
from shared.domain.span import Span, span
from shared.domain.transcript import Word
from shared.media.encoder import EncodeSettings
from shared.media.probe import probe
from shared.media.render import Rendered, render_reel
from shared.media.sound import SoundSettings
from tests.clips import RATE_HZ, ClipMaker, ClipSpec, Sound, heard, noise_of, shown_times

SECONDS = 9.0
SOURCES = {
    "25": ClipSpec(seconds=SECONDS, has_noise=True, fps=Fraction(25)),
    "29.97": ClipSpec(seconds=SECONDS, has_noise=True, fps=Fraction(30000, 1001)),
    "variable": ClipSpec(seconds=SECONDS, has_noise=True, gaps_ms=(33, 33, 50, 100, 17)),
    "hour_ts": ClipSpec(seconds=SECONDS, has_noise=True, start_s=3600.0, suffix=".ts"),
    "late_sound": ClipSpec(seconds=SECONDS, has_noise=True, fps=Fraction(30000, 1001), sound_starts_s=0.5),
}
CUTS, FADES, DIPS = Join(), Join(kind="crossfade", duration_s=1.0), Join(kind="dip", duration_s=0.9)
WITHIN_FRAMES = (span(0.613, 3.381), span(5.007, 8.019), span(2.49, 4.27), span(4.27, 6.998))
"""Each begins somewhere inside a frame; the last goes on where the one before it ends."""
ON_KEYFRAMES = (span(1.0, 4.0), span(5.0, 8.0), span(2.0, 4.0))
CASES = [
    *(("29.97", join, "encode", WITHIN_FRAMES) for join in (CUTS, FADES, DIPS)),
    ("25", FADES, "encode", WITHIN_FRAMES),
    ("variable", CUTS, "encode", WITHIN_FRAMES),
    ("late_sound", FADES, "encode", WITHIN_FRAMES),
    ("hour_ts", DIPS, "encode", WITHIN_FRAMES),
    ("hour_ts", CUTS, "copy", ON_KEYFRAMES),
]
PIECE_S = 0.25
NEAR_S = 0.1
LIKENESS = 0.4  # what is there scores over 0.48, at the middle of a cross-fade too; anything else below 0.1
CLOCK_S = 0.002  # clocks of containers round
WITHIN_S = 0.002  # a frame would do; what is measured is 0.01 ms, and 0.7 ms where the sound begins late
WORDS = tuple(
    Word(text=f"w{n}.", start_s=0.107 + 0.37 * n, end_s=0.107 + 0.37 * n + 0.3, confidence=1.0) for n in range(24)
)


@dataclass(frozen=True)
class Made:
    """A reel and what belongs to it."""

    edit: EditList
    rendered: Rendered
    sound: Sound
    pictures: list[tuple[float, float]]
    """None where fades change them."""
    cues: tuple[Cue, ...]


def made(source: Path, join: Join, render: str, spans: tuple[Span, ...], path: Path) -> Made:
    clips = tuple(Clip(wanted=each, actual=each, score=1, reasons=()) for each in spans)
    edit = EditList(render=render, clips=clips, join=join)  # type: ignore[arg-type]
    with source.open("rb") as file:
        rendered = render_reel(
            file,
            probe(file, name=source.name),
            edit,
            path,
            settings=EncodeSettings(preset="ultrafast", crf=16),
            sound=SoundSettings(loudness="keep"),
        )
    came_on = dict(zip((each.start_s for each in spans), rendered.began_s, strict=True))
    pictures = shown_times(path) if join.kind == "cut" else []
    one_by_one = (reel_cues([word], edit, rendered.fps, came_on.__getitem__) for word in WORDS)
    return Made(edit, rendered, heard(path), pictures, tuple(cue for cues in one_by_one for cue in cues))


def heard_at_s(piece: Sound, sound: Sound, near_s: float) -> float:
    """Return where in the sound the piece is."""
    begin = max(0, round((near_s - NEAR_S) * RATE_HZ))
    around = sound[begin : round((near_s + NEAR_S) * RATE_HZ) + piece.size]
    size = 1 << (around.size + piece.size).bit_length()
    found = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)
    at = int(found[: around.size - piece.size + 1].argmax())
    same = around[at : at + piece.size]
    assert found[at] / np.linalg.norm(piece) / np.linalg.norm(same) > LIKENESS
    return (begin + at) / RATE_HZ


def called(case: object) -> str | None:
    return case.kind if isinstance(case, Join) else "" if isinstance(case, tuple) else None


@pytest.mark.parametrize(("source", "join", "render", "spans"), CASES, ids=called)
def test_each_word_begins_when_it_is_heard_and_seen_to(
    source: str, join: Join, render: str, spans: tuple[Span, ...], clip: ClipMaker, tmp_path: Path
) -> None:
    reel = made(clip(SOURCES[source]), join, render, spans, tmp_path / "reel.mp4")
    noise = noise_of(SECONDS)
    frame_s = float(1 / reel.rendered.fps)
    seen_s = max(frame_s, *(gap / 1000 for gap in SOURCES[source].gaps_ms or (0,)))
    places = [each.reel for each in shown_clips(reel.edit, reel.rendered.fps)]
    whole = [cue for cue in reel.cues if all(abs(cue.start_s - place.start_s) > 1e-6 for place in places)]
    assert len(whole) >= 12
    off_s: list[float] = []
    for cue in whole:
        word = WORDS[int(cue.text[1:-1])]
        if word.start_s >= SOURCES[source].sound_starts_s:
            room_s = min(place.end_s for place in places if place.end_s > cue.start_s) - cue.start_s
            first, beyond = word.start_s, word.start_s + min(PIECE_S, room_s)
            piece = noise[round(first * RATE_HZ) : round(beyond * RATE_HZ)]
            off_s.append(cue.start_s - heard_at_s(piece, reel.sound, cue.start_s))
        if reel.pictures:
            shown_s = max(pair for pair in reel.pictures if pair[0] <= cue.start_s + CLOCK_S)[1]
            assert abs(shown_s - word.start_s) <= seen_s + CLOCK_S
    assert max(map(abs, off_s)) <= WITHIN_S
