"""The sources a renderer has to keep in sync, a reel of 30 clips, and its rendering in every mode."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

from shared.domain.edit_list import EditList, Join, JoinKind
from shared.domain.highlight import Highlight
from shared.domain.options import MotionOptions
from shared.domain.render_plan import plan_render
from shared.domain.span import Span, span
from shared.media.copy_points import copy_points
from shared.media.encoder import EncodeSettings
from shared.media.probe import probe
from shared.media.render import render_reel
from shared.media.stream_copy import why_not_copy
from tests.clips import ClipSpec, make_clip, trim_by_edit_list
from tests.reel_sync import ClipOffsets, Source, measure

SECONDS = 60.0
CLIPS = 30
QUICK = EncodeSettings(preset="ultrafast", crf=20)
TRIM_S = 1.3
Mode = Literal["encode", "copy"]


def _spec(**named: object) -> ClipSpec:
    return replace(ClipSpec(seconds=SECONDS, size=(96, 54)), **named)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A source and the ways it is rendered."""

    name: str
    source: Source
    modes: tuple[Mode, ...] = ("encode", "copy")
    joins: tuple[JoinKind, ...] = field(default=("cut",))


def _trial(
    name: str, *modes: Mode, cut_s: float = 0.0, joins: tuple[JoinKind, ...] = ("cut",), **spec: object
) -> Trial:
    source = Source(spec=_spec(**spec), cut_s=cut_s)
    return Trial(name=name, source=source, modes=modes or ("encode", "copy"), joins=joins)


NTSC_30, NTSC_60 = Fraction(30_000, 1001), Fraction(60_000, 1001)
UNEVEN_MS = (33, 33, 50, 100, 17)
JOINED: tuple[JoinKind, ...] = ("cut", "crossfade", "dip")

MATRIX = (
    _trial("24 fps", fps=Fraction(24)),
    _trial("25 fps", fps=Fraction(25), joins=JOINED),
    _trial("29.97 fps", fps=NTSC_30),
    _trial("30 fps", joins=JOINED),
    _trial("59.94 fps", fps=NTSC_60),
    _trial("variable rate", gaps_ms=UNEVEN_MS, keyframe_s=0.7, joins=JOINED),
    _trial("variable rate, MKV", gaps_ms=UNEVEN_MS, keyframe_s=0.7, suffix=".mkv"),
    _trial("29.97 fps, MKV", fps=NTSC_30, suffix=".mkv"),
    _trial("VP8 and Opus, WebM", "encode", suffix=".webm", codec="libvpx", sound_codec="libopus", fps=Fraction(25)),
    _trial("turned by 90°", "encode", rotation_deg=90),
    _trial("turned by 180°", "encode", rotation_deg=180),
    _trial("turned by 270°", "encode", rotation_deg=270),
    _trial("flipped left to right", "encode", is_mirrored=True),
    _trial("flipped upside down", "encode", rotation_deg=180, is_mirrored=True),
    _trial("starts at 1 h, MP4", start_s=3600.0),
    _trial("starts at 1 h, MKV", start_s=3600.0, suffix=".mkv"),
    _trial("starts at 1 h, TS", start_s=3600.0, suffix=".ts"),
    _trial("edit list cuts 1.3 s off", cut_s=TRIM_S),
    _trial("sound 1.5 s late", sound_starts_s=1.5),
    _trial("sound 1.5 s late, MKV", sound_starts_s=1.5, suffix=".mkv"),
    _trial("sound 0.45 s early", sound_starts_s=-0.45, start_s=1.0),
    _trial("sound 0.45 s early, MKV", sound_starts_s=-0.45, start_s=1.0, suffix=".mkv"),
    _trial("44.1 kHz", sound_rate_hz=44_100),
    _trial("44.1 kHz, mono, MKV", sound_rate_hz=44_100, sound_layout="mono", suffix=".mkv"),
    _trial("48 kHz PCM, MKV", sound_codec="pcm_s16le", suffix=".mkv"),
    _trial("open GOPs", "encode", open_gop=True, keyframe_s=1.5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a source in a mode."""

    name: str
    mode: Mode
    join: JoinKind
    offsets: tuple[ClipOffsets, ...]

    @property
    def label(self) -> str:
        return self.name if self.join == "cut" else f"{self.name}, {self.join}"

    @property
    def looked_at(self) -> tuple[ClipOffsets, ClipOffsets, ClipOffsets]:
        """The first, the middle and the last clip."""
        return self.offsets[0], self.offsets[len(self.offsets) // 2], self.offsets[-1]

    @property
    def is_bound(self) -> bool:
        return all(each.is_bound for each in self.offsets) and any(each.sound_s is not None for each in self.offsets)


def make_source(folder: Path, source: Source) -> Path:
    """Write the source and return where it is."""
    folder.mkdir(parents=True, exist_ok=True)
    path = make_clip(folder, source.spec)
    if source.cut_s:
        trim_by_edit_list(path, source.cut_s)
    return path


def wanted_spans(duration_s: float, *, clips: int = CLIPS) -> tuple[Span, ...]:
    """Return spans of 1.5 to 1.95 s over the whole source, none on a frame's border, not in order, three twice.

    Every other one forwards, the rest backwards: no two that follow on each other touch, even snapped to keyframes.
    """
    chance = random.Random(30)
    fresh = clips - 3
    step_s = (duration_s - 2.0) / fresh
    spans = []
    for number in range(fresh):
        start_s = 0.0371 + number * step_s + chance.random() * 0.2
        spans.append(span(start_s, start_s + 1.5 + 0.45 * chance.random()))
    order = [*range(0, fresh, 2), *reversed(range(1, fresh, 2))]
    chosen = [spans[number] for number in order]
    return (*chosen[:12], chosen[3], *chosen[12:20], chosen[7], *chosen[20:], chosen[14])


def plan(path: Path, mode: Mode, spans: Sequence[Span], *, join: JoinKind = "cut") -> EditList:
    """Return the edit list the planner makes of the spans."""
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        points = copy_points(file, video, wanted=spans)
        return plan_render(
            [Highlight(span=each, score=1.0, reasons=("moving",), is_chosen=True) for each in spans],
            render=mode,
            why_not_copy=why_not_copy(video) or points.why_not,
            keyframes_s=points.keyframes_s,
            duration_s=video.duration_s,
            lead_in_s=MotionOptions().pad_before_s,
            may_repeat=True,
            join=Join(kind=join, duration_s=0.3),
        )


def try_mode(path: Path, trial: Trial, mode: Mode, join: JoinKind, folder: Path) -> Row:
    """Render 30 clips of the source at `path` and return how far they lie off; AssertionError where none are made."""
    edit = plan(path, mode, wanted_spans(SECONDS - trial.source.cut_s), join=join)
    assert edit.render == mode, f"{trial.name} is not rendered by {mode}: {edit.why_not_copied}"
    assert len(edit.clips) == CLIPS, f"{trial.name}: {len(edit.clips)} clips"
    reel = folder / f"{mode}_{join}.mp4"
    with path.open("rb") as file:
        render_reel(file, probe(file, name=path.name), edit, reel, settings=QUICK, name=trial.name)
    return Row(name=trial.name, mode=mode, join=join, offsets=measure(reel, edit, trial.source))
