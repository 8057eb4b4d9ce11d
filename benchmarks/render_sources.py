"""Sources that the recorded session lacks: with a keyframe every second, and larger ones."""

from __future__ import annotations  # Generic streams are for the type checker only

import json
from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

from av.container import OutputContainer
from av.video.stream import VideoStream

from benchmarks.render_bare import AddPicture, bare_reel
from shared.domain.options import MotionOptions

SESSION = "raw_session_mixed_720p.mp4"
FPS = Fraction(30)
BUSY_S = 102.0  # people and the camera move from here on
Spans = tuple[tuple[float, float], ...]


def events(session: Path) -> Spans:
    """Return the session's seven movements, as people marked them, with the padding that `montage run` gives them.

    In seconds, on the session's grid of frames.
    """
    marked: Sequence[tuple[float, float]] = json.loads(session.with_suffix(".intervals.json").read_text("utf-8"))[
        "motion_intervals"
    ]
    padding = MotionOptions()
    return tuple(
        (_on_grid(max(0.0, start_s - padding.pad_before_s)), _on_grid(end_s + padding.pad_after_s))
        for start_s, end_s in marked
    )


def whole_seconds(spans: Spans) -> Spans:
    """Return the spans made longer until they begin and end at the keyframes of `keyframe_every_second`."""
    return tuple((float(floor(start_s)), float(ceil(end_s))) for start_s, end_s in spans)


def keyframe_every_second(session: Path, out: Path, *, seconds: float) -> None:
    """Write the session's first so many seconds with a keyframe at every whole one, as phones and cameras record."""
    options = {"preset": "veryfast", "crf": "21", "sc_threshold": "0"}
    bare_reel(session, ((0.0, seconds),), out, _stream(1280, 720, options), has_sound=True)


def scaled(session: Path, out: Path, *, height: int, seconds: float) -> None:
    """Write a stretch of the session scaled up to a height, 16:9."""
    options = {"preset": "ultrafast", "crf": "23"}
    span = (BUSY_S, BUSY_S + seconds)
    bare_reel(session, (span,), out, _stream(height * 16 // 9, height, options), has_sound=True)


def _stream(width: int, height: int, options: dict[str, str]) -> AddPicture:
    def add(output: OutputContainer) -> VideoStream:
        stream = output.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.gop_size = int(FPS)
        return stream

    return add


def _on_grid(t_s: float) -> float:
    return float(round(t_s * FPS) / FPS)
