"""A copied reel shows exactly the frames between its clips' borders, each at its time."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import Span, span
from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.copy_points import copy_points
from shared.media.probe import probe
from shared.media.render import Rendered, render_reel
from tests.clips import ClipMaker, ClipSpec, beeps_heard, heard, joined, set_edits, shown_times
from tests.sample_entries import add_sample_entry

FRAGMENTED = {"movflags": "frag_keyframe+empty_moov"}
CLOCK_S = 0.0021  # shown times are whole milliseconds, and so are MKV's
SOURCES = {
    "b_pyramid_mkv": ClipSpec(b_frames=5, b_pyramid=True, suffix=".mkv"),
    "16_b_frames": ClipSpec(b_frames=16, b_pyramid=True, fps=Fraction(60000, 1001)),
    "variable_mkv": ClipSpec(b_frames=3, b_pyramid=True, gaps_ms=(33, 17, 250, 50, 9), suffix=".mkv"),
    "59.94_ts": ClipSpec(b_frames=3, b_pyramid=True, fps=Fraction(60000, 1001), suffix=".ts"),
    "wrapping_ts": ClipSpec(start_s=2**33 / 90_000 - 3, suffix=".ts"),
    "fragmented": ClipSpec(b_frames=3, container_options=FRAGMENTED),
}
MORE_SOURCES = {
    **{f"{b}_b_frames{'_pyramid' * p}{suffix}": ClipSpec(b_frames=b, b_pyramid=bool(p), suffix=suffix)
       for b in (1, 2, 3, 8, 16) for p in (0, 1) for suffix in (".mp4", ".mkv", ".ts")},
    "no_b_frames": ClipSpec(b_frames=0),
    "hour_mov": ClipSpec(start_s=3600.0, suffix=".mov"),
    "24": ClipSpec(fps=Fraction(24)),
    "25_mkv": ClipSpec(fps=Fraction(25), suffix=".mkv"),
    "29.97_mov": ClipSpec(fps=Fraction(30000, 1001), suffix=".mov"),
    "59.94_fragmented": ClipSpec(fps=Fraction(60000, 1001), container_options={"movflags": "frag_keyframe+delay_moov"}),
    "hour_fragmented": ClipSpec(start_s=3600.0, container_options=FRAGMENTED),
    "hour_ts": ClipSpec(start_s=3600.0, suffix=".ts"),
    "variable_ts": ClipSpec(gaps_ms=(33, 17, 250, 50, 9), suffix=".ts"),
    "variable_with_holes": ClipSpec(gaps_ms=(33,) * 20 + (700,), b_frames=8, b_pyramid=True),
    "mono_44k": ClipSpec(sound_rate_hz=44_100, sound_layout="mono"),
    "late_sound": ClipSpec(sound_starts_s=1.5),
}  # fmt: skip


def source(path: Path) -> tuple[io.BytesIO, Video]:
    file = io.BytesIO(path.read_bytes())
    return file, probe(file, name=path.name)


def copied(path: Path, spans: tuple[Span, ...], made: Path) -> Rendered:
    file, video = source(path)
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=()) for each in spans)
    return render_reel(file, video, EditList(render="copy", clips=clips), made)


def two_encodes(clip: ClipMaker, made: Path) -> Path:
    """Return a stream that is encoded another way from its 3rd second on, with parameter sets in its packets."""
    first = ClipSpec(seconds=3, has_sound=False)
    return joined(clip(first), clip(replace(first, x264=":ref=4:repeat-headers=1")), made, at_s=3.0)


def thirty(keys: tuple[float, ...]) -> tuple[Span, ...]:
    """Return 30 spans between keyframes, out of order, some of them again and again."""
    count = len(keys) - 1
    starts = [(7 * n * n + 3 * n) % count for n in range(30)]
    return tuple(span(keys[at], keys[min(count, at + 1 + n % 2)]) for n, at in enumerate(starts))


def wanted_frames(spec: ClipSpec, spans: tuple[Span, ...]) -> list[tuple[float, float]]:
    """Return (when it is on screen, its source time) of every frame that belongs into the reel."""
    frames, border_s = [], 0.0
    for each in spans:
        inside = [float(t) for t in spec.frame_times_s if each.start_s - CLOCK_S <= t < each.end_s - CLOCK_S]
        frames += [(border_s + t_s - each.start_s, t_s) for t_s in inside]
        border_s += each.duration_s
    return frames


def assert_exact(spec: ClipSpec, spans: tuple[Span, ...], made: Path) -> None:
    found, wanted = shown_times(made), wanted_frames(spec, spans)
    assert len(found) == len(wanted)
    for (shown_s, time_s), (reel_s, source_s) in zip(found, wanted, strict=True):
        assert shown_s == pytest.approx(reel_s, abs=CLOCK_S)
        assert time_s == pytest.approx(source_s, abs=CLOCK_S)


def assert_well_timed(made: Path, spec: ClipSpec, duration_s: float) -> None:
    """Decoding times grow, none is after its picture, nothing lasts for long, and the end is where it should be."""
    with av.open(str(made)) as container:
        stream = container.streams.video[0]
        packets = [each for each in container.demux(stream) if each.size]
        assert stream.time_base is not None
        ticks = [(each.dts or 0, each.pts or 0, each.duration or 0) for each in packets]
        longest_s = max(float(b - a) for a, b in pairwise((*spec.frame_times_s, Fraction(spec.seconds))))
        longest = (longest_s + CLOCK_S) / stream.time_base
        assert all(a[0] < b[0] for a, b in pairwise(ticks))
        assert all(dts <= pts and 0 < lasts <= longest for dts, pts, lasts in ticks)
        assert min(pts for _, pts, _ in ticks) == 0
        assert stream.start_time == 0
        assert float((stream.duration or 0) * stream.time_base) == pytest.approx(duration_s, abs=CLOCK_S)


def assert_sound_beside_it(spans: tuple[Span, ...], made: Path) -> None:
    """The beeps of the first, a middle and the last clip are heard where their second begins."""
    found = beeps_heard(heard(made))
    border_s = 0.0
    for number, each in enumerate(spans):
        if number in (0, len(spans) // 2, len(spans) - 1):
            for second in range(int(each.start_s) + 1, int(each.end_s - 0.1) + 1):
                at_s = border_s + second - each.start_s
                assert any(abs(begins_s - at_s) <= 0.010 and which == second for begins_s, which in found), (
                    number,
                    second,
                )
        border_s += each.duration_s


def assert_thirty_clips_are_exact(path: Path, spec: ClipSpec, made: Path) -> None:
    file, video = source(path)
    points = copy_points(file, video, name="x")
    assert points.why_not is None
    assert len(points.keyframes_s) >= 3
    spans = thirty((*points.keyframes_s, video.duration_s))
    rendered = copied(path, spans, made)
    assert_exact(spec, spans, made)
    assert_well_timed(made, spec, sum(each.duration_s for each in spans))
    assert rendered.frames == len(wanted_frames(spec, spans))
    assert rendered.warnings == ()


@pytest.mark.parametrize("kind", SOURCES)
def test_every_frame_of_thirty_copied_clips_is_there_once_at_its_time(
    clip: ClipMaker, tmp_path: Path, kind: str
) -> None:
    spec = replace(SOURCES[kind], has_sound=False, seconds=3.0, keyframe_s=0.4)
    assert_thirty_clips_are_exact(clip(spec), spec, tmp_path / "reel.mp4")


@pytest.mark.slow
@pytest.mark.parametrize("kind", MORE_SOURCES)
def test_every_frame_of_thirty_copied_clips_is_there_from_any_source(
    clip: ClipMaker, tmp_path: Path, kind: str
) -> None:
    spec = replace(MORE_SOURCES[kind], seconds=3.0, keyframe_s=0.4, has_sound=False)
    made = tmp_path / "reel.mp4"
    assert_thirty_clips_are_exact(clip(spec), spec, made)


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        ClipSpec(keyframe_s=0.5),
        ClipSpec(keyframe_s=0.5, start_s=3600.0, suffix=".mkv", b_frames=3, b_pyramid=True),
        ClipSpec(keyframe_s=0.5, suffix=".ts", fps=Fraction(60000, 1001), sound_rate_hz=44_100, sound_layout="mono"),
    ],
    ids=["mp4", "hour_mkv", "59.94_ts"],
)
def test_the_sound_of_thirty_copied_clips_lies_beside_their_pictures(
    clip: ClipMaker, tmp_path: Path, spec: ClipSpec
) -> None:
    path, made = clip(spec), tmp_path / "reel.mp4"
    file, video = source(path)
    keys = copy_points(file, video, name="x").keyframes_s
    spans = tuple(span(keys[1 + n % 9], keys[1 + n % 9 + 2]) for n in range(30))
    copied(path, spans, made)
    assert_exact(spec, spans, made)
    assert_sound_beside_it(spans, made)


def test_a_copy_whose_parameter_sets_change_is_refused(tmp_path: Path, clip: ClipMaker) -> None:
    path = two_encodes(clip, tmp_path / "two.mp4")
    with pytest.raises(BadVideo, match=r"cannot be copied: its parameter sets change at 3\.0 s; render with `encode`"):
        copied(path, (span(1, 2), span(2, 5)), tmp_path / "reel.mp4")
    assert not (tmp_path / "reel.mp4").exists()


def test_of_two_sample_entries_the_first_one_is_copied_and_the_other_refused(clip: ClipMaker, tmp_path: Path) -> None:
    first = ClipSpec(seconds=3, has_sound=False)
    other = clip(replace(first, x264=":ref=4"))
    path, made = joined(clip(first), other, tmp_path / "two.mp4", at_s=3.0), tmp_path / "reel.mp4"
    add_sample_entry(path, other, first_samples=90)
    file, video = source(path)
    assert copy_points(file, video, wanted=[span(1.2, 1.8), span(4.2, 4.6)]).why_not
    assert copy_points(file, video, wanted=[span(1.2, 2.6)]).why_not is None
    copied(path, (span(2, 3), span(0, 1)), made)
    assert_exact(first, (span(2, 3), span(0, 1)), made)
    for beyond in (span(2, 4), span(4.0, 5.0)):
        with pytest.raises(BadVideo, match="its parameter sets change"):
            copied(path, (span(0, 1), beyond), made)


def test_a_source_trimmed_to_begin_between_keyframes_is_copied_exactly(clip: ClipMaker, tmp_path: Path) -> None:
    spec = ClipSpec(keyframe_s=0.5, has_sound=False)
    path, made = tmp_path / "trimmed.mp4", tmp_path / "reel.mp4"
    path.write_bytes(clip(spec).read_bytes())
    set_edits(path, [(1.0, -1.0), (4.0, 1.3)])
    file, video = source(path)
    keys = copy_points(file, video, name="x").keyframes_s
    assert keys == pytest.approx([0.2 + n / 2 for n in range(8)], abs=CLOCK_S)
    spans = (span(keys[4], keys[6]), span(keys[0], keys[1]))
    copied(path, spans, made)
    assert [shown_s for _, shown_s in shown_times(made)] == pytest.approx(
        [(105 + n) / 30 for n in range(30)] + [(45 + n) / 30 for n in range(15)], abs=CLOCK_S
    )
