"""A ruler for reels of sources that tell their time: how far every clip's picture and sound lie off the edit list.

It asks nothing of the renderer: what should be seen when follows from the edit list alone, and what is seen and heard
is decoded as a plain player does.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path

import numpy as np

from shared.domain.edit_list import EditList
from tests.clips import BEEP_S, RATE_HZ, ClipSpec, Grey, Sound, beep, heard, read_time, shown_pictures

PICTURE_BOUND = 1  # frames of the source
SOUND_BOUND_S = 0.010
CLOCK_S = 0.002  # clocks of containers round, MKV's to whole milliseconds
NEAR_S = 0.12  # a beep is looked for so far around its place
LIKENESS = 0.6  # a beep that is there scores over 0.9, any other sound below 0.4
FADE_S = 0.010  # a beep at the very start of a clip is faded, and so seems to begin later
GUARD_S = 0.16  # a beep that ends so near the next clip may be cut off: borders lie on the reel's grid


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipOffsets:
    """How far one clip of a reel lies off."""

    frames: int
    """Of the source, at the worst picture: above 0 it is shown too early."""
    sound_s: float | None
    """Sound after the picture (above 0 it is late), at the worst beep; None when no beep belongs into the clip."""
    listed_s: float | None
    """The same against the edit list."""
    lost_beeps: int
    """Beeps that belong into the clip and are not there."""

    @property
    def is_bound(self) -> bool:
        """Whether the picture is within a frame, and the sound within 10 ms of the picture."""
        late_s = self.sound_s or 0.0
        return abs(self.frames) <= PICTURE_BOUND and abs(late_s) <= SOUND_BOUND_S and not self.lost_beeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a source shows: a clip that tells its time, perhaps cut off at the beginning, perhaps over and over."""

    spec: ClipSpec
    cut_s: float = 0.0
    """So much of the clip lies before the source's time 0."""
    is_repeated: bool = False
    """Whether the clip follows on itself until the source ends."""

    @property
    def frame_times_s(self) -> list[float]:
        return [float(each) for each in self.spec.frame_times_s]

    def told_s(self, source_s: float) -> float:
        """Return what the source shows at one of its times."""
        told_s = source_s + self.cut_s
        return told_s % self.spec.seconds if self.is_repeated else told_s


@dataclass(frozen=True, slots=True)
class _Place:
    """A clip on the exact time line of the reel, without the passages it shares."""

    source_s: float
    reel_s: float
    clear_s: float
    beyond_s: float


def measure(path: Path, edit_list: EditList, source: Source) -> tuple[ClipOffsets, ...]:
    """Return how far each clip of the reel at `path` lies off; AssertionError for one without a picture."""
    times_s = source.frame_times_s
    pictures = [(reel_s, _told(picture, times_s)) for reel_s, picture in shown_pictures(path)]
    sound = heard(path) if source.spec.has_sound else None
    frame_s = 0.0 if edit_list.render == "copy" else float(np.median(np.diff([at for at, _ in pictures])))
    measured = []
    for place in _places(edit_list):
        off, picture_s = _picture_of(place, pictures, times_s, source, frame_s=frame_s)
        late = list(_late_s(place, sound, source)) if sound is not None else []
        found = [each for each in late if each is not None]
        by_picture = [each - picture_s for each in found]
        measured.append(
            ClipOffsets(
                frames=off,
                sound_s=max(by_picture, key=abs, default=None),
                listed_s=max(found, key=abs, default=None),
                lost_beeps=len(late) - len(found),
            )
        )
    return tuple(measured)


def _told(picture: Grey, times_s: Sequence[float]) -> int | None:
    """Return the number of the frame that the picture shows, None when it shows none: a dip goes through black."""
    try:
        return _nearest(times_s, read_time(picture) / 1000)
    except ValueError:
        return None


def _nearest(times_s: Sequence[float], told_s: float) -> int:
    number = bisect_right(times_s, told_s)
    return min((n for n in (number - 1, number) if 0 <= n < len(times_s)), key=lambda n: abs(times_s[n] - told_s))


def _places(edit_list: EditList) -> Iterator[_Place]:
    lengths_s = [clip.actual.duration_s for clip in edit_list.clips]
    ends_s = accumulate(a - b for a, b in zip(lengths_s, (0.0, *edit_list.overlaps_s), strict=True))
    fades_s = (0.0, *edit_list.fades_s, 0.0)
    for clip, end_s, (fade_in_s, fade_out_s) in zip(edit_list.clips, ends_s, pairwise(fades_s), strict=True):
        reel_s = end_s - clip.actual.duration_s
        yield _Place(clip.actual.start_s, reel_s, reel_s + fade_in_s, end_s - fade_out_s)


def _picture_of(
    place: _Place,
    pictures: Sequence[tuple[float, int | None]],
    times_s: Sequence[float],
    source: Source,
    *,
    frame_s: float,
) -> tuple[int, float]:
    """Return how many frames the clip's worst picture lies off, and how late the picture is on the whole, in s.

    Each is judged in the middle of its time on screen; copied ones, which may be held, also at its end. On the even
    grid of a variable rate, of which several frames may fall into one place, every frame of that time is right.
    """
    offs: list[int] = []
    late_s: list[float] = []
    last: int | None = None
    for (reel_s, shown), (next_s, _) in pairwise((*pictures, (place.beyond_s, 0))):
        if reel_s < place.clear_s - CLOCK_S + frame_s / 2 or reel_s >= place.beyond_s - CLOCK_S - frame_s / 2:
            continue
        assert shown is not None, f"the picture at {reel_s:.3f} s of the reel tells no time"
        gone_s = min(next_s, place.beyond_s)
        moments = [(reel_s + gone_s) / 2, *([] if frame_s else [gone_s - 2 * CLOCK_S])]
        if frame_s and source.spec.gaps_ms:
            moments = [reel_s, *moments, gone_s]
        found = []
        for at_s in moments:
            wanted = bisect_right(times_s, source.told_s(place.source_s + at_s - place.reel_s) + CLOCK_S) - 1
            found.append(round(_around(shown - max(0, wanted), len(times_s), source)))
        offs.append((min if len(moments) > 2 else max)(found, key=abs))
        if shown != last:  # a picture tells the time when it comes on, not while it stays
            wanted_s = source.told_s(place.source_s + reel_s - place.reel_s)
            late_s.append(_around(wanted_s - times_s[shown], source.spec.seconds, source))
        last = shown
    assert offs, f"no picture between {place.clear_s:.3f} and {place.beyond_s:.3f} s of the reel"
    return max(offs, key=abs), float(np.mean(late_s))


def _around(off: float, whole: float, source: Source) -> float:
    """Return the shorter way round where the clip follows on itself."""
    return off - whole * round(off / whole) if source.is_repeated else off


def _late_s(place: _Place, sound: Sound, source: Source) -> Iterator[float | None]:
    """Yield how late each beep of the clip is against the edit list, None for one that is not there."""
    first_s = place.source_s + place.clear_s - place.reel_s + FADE_S
    beyond_s = place.source_s + place.beyond_s - place.reel_s - GUARD_S - BEEP_S
    begin = int(np.ceil(first_s + source.cut_s))
    for second in range(begin, int(np.floor(beyond_s + source.cut_s)) + 1):
        if second < source.spec.sound_starts_s:
            continue
        at_s = place.reel_s + second - source.cut_s - place.source_s
        found_s = _found_s(sound, at_s, int(source.told_s(second - source.cut_s) + 0.5))
        yield found_s - at_s if found_s is not None else None


def _found_s(sound: Sound, at_s: float, second: int) -> float | None:
    """Return when the second's beep begins near `at_s`, None when it does not."""
    pattern = beep(second)
    begin = max(0, round((at_s - NEAR_S) * RATE_HZ))
    heard_there = sound[begin : round((at_s + NEAR_S) * RATE_HZ) + pattern.size]
    if heard_there.size < pattern.size:
        return None
    score = np.correlate(heard_there, pattern)
    energy = np.convolve(heard_there.astype(np.float64) ** 2, np.ones(pattern.size), "valid")
    likeness = score / np.sqrt(np.maximum(energy, 1e-6) * float(np.dot(pattern, pattern)))
    best = int(likeness.argmax())
    return (begin + best) / RATE_HZ if likeness[best] > LIKENESS else None
