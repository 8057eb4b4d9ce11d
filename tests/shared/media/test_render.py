"""Which seconds come out of the renderer, with which sound, and for how long."""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from shared.domain.edit_list import Clip, EditList, Join, JoinKind
from shared.domain.options import Quality
from shared.domain.span import Span, span
from shared.domain.video import Video
from shared.errors import BadVideo, TryAgain
from shared.media.copy_points import copy_points
from shared.media.encoder import EncodeSettings, encode_settings
from shared.media.frame_rate import reel_fps
from shared.media.probe import probe
from shared.media.reel_file import reel_file
from shared.media.render import Rendered, render_reel
from shared.media.stream_copy import why_not_copy
from tests.clips import (
    BEEP_S,
    RATE_HZ,
    ClipMaker,
    ClipSpec,
    beeps_heard,
    heard,
    shown_times,
    trim_by_edit_list,
)

QUICK = EncodeSettings(preset="ultrafast", crf=16)
AV_OFFSET_S = 0.010
CLOCK_S = 0.002  # shown times are whole milliseconds, and so are MKV's
SPANS = (span(3.2, 4.9), span(0.4, 1.35), span(1.9, 2.6))

SOURCES = {
    "30": ClipSpec(),
    "24": ClipSpec(fps=Fraction(24)),
    "25_mkv": ClipSpec(fps=Fraction(25), suffix=".mkv"),
    "29.97": ClipSpec(fps=Fraction(30000, 1001)),
    "59.94_mkv": ClipSpec(fps=Fraction(60000, 1001), suffix=".mkv"),
    "variable": ClipSpec(gaps_ms=(33, 33, 50, 100, 17)),
    "hour_mkv": ClipSpec(start_s=3600.0, suffix=".mkv"),
    "hour_ts": ClipSpec(start_s=3600.0, suffix=".ts"),
    "hour_mp4": ClipSpec(start_s=3600.0),
    "late_sound": ClipSpec(sound_starts_s=1.5),
    "mono_44k": ClipSpec(sound_rate_hz=44_100, sound_layout="mono"),
    "opus_webm": ClipSpec(suffix=".webm", codec="libvpx", sound_codec="libopus"),
    "open_gop": ClipSpec(open_gop=True, b_frames=2, keyframe_s=1.5),
    "turned": ClipSpec(rotation_deg=90),
    "mirrored": ClipSpec(rotation_deg=180, is_mirrored=True),
    "full_range": ClipSpec(full_range=True, pixel_format="yuvj420p"),
    "yuv444": ClipSpec(pixel_format="yuv444p"),
    "ten_bit": ClipSpec(codec="libx265", pixel_format="yuv420p10le"),
}
COPIED = ("30", "24", "25_mkv", "29.97", "variable", "hour_mkv", "hour_ts", "hour_mp4", "late_sound")


@dataclass
class Reel:
    """A rendered reel and what it was made of."""

    rendered: Rendered
    path: Path
    spans: tuple[Span, ...]
    fps: Fraction
    progress: list[float] = field(default_factory=list)

    @property
    def borders_s(self) -> list[float]:
        return [0.0, *np.cumsum([each.duration_s for each in self.spans]).tolist()]

    def source_time_s(self, reel_s: float) -> float:
        """Return which source second belongs at a time of the reel."""
        number = next(n for n, b in enumerate(self.borders_s[1:]) if reel_s < b or n == len(self.spans) - 1)
        return self.spans[number].start_s + reel_s - self.borders_s[number]

    def beeps_s(self, inside_s: float) -> list[tuple[float, int]]:
        """Return when beeps belong that lie at least so far inside a clip, and of which second they are."""
        return [
            (self.borders_s[n] + second - each.start_s, second)
            for n, each in enumerate(self.spans)
            for second in range(20)
            if each.start_s + inside_s <= second <= each.end_s - BEEP_S - inside_s
        ]


def edit_list(spans: tuple[Span, ...], render: str = "encode") -> EditList:
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=("moving",)) for each in spans)
    return EditList(render="copy" if render == "copy" else "encode", clips=clips)


def source(path: Path) -> tuple[io.BytesIO, Video]:
    file = io.BytesIO(path.read_bytes())
    return file, probe(file, name=path.name)


def rendered(
    path: Path, folder: Path, spans: tuple[Span, ...], render: str = "encode", how: EncodeSettings = QUICK
) -> Reel:
    file, video = source(path)
    made = folder / "reel.mp4.part"
    told: list[float] = []
    result = render_reel(file, video, edit_list(spans, render), made, settings=how, on_progress=told.append)
    return Reel(result, made, spans, reel_fps(video, max_fps=60), told)


def assert_right_seconds(reel: Reel, spec: ClipSpec, *, shift_s: float = 0.0) -> None:
    """Every frame shows its second: at most a frame of the source early or late."""
    longest_s = float(max(b - a for a, b in zip(spec.frame_times_s, spec.frame_times_s[1:], strict=False)))
    frame_s = 1 / float(reel.fps)
    for reel_s, shown_s in shown_times(reel.path):
        if min(abs(reel_s - border_s) for border_s in reel.borders_s[1:]) > frame_s / 2 + CLOCK_S:
            wanted_s = reel.source_time_s(reel_s + CLOCK_S) + shift_s
            assert wanted_s - longest_s - frame_s / 2 - CLOCK_S <= shown_s <= wanted_s + frame_s / 2 + 2 * CLOCK_S


def assert_sound_belongs_to_picture(reel: Reel, *, allowed_s: float = AV_OFFSET_S, first_s: float = 0.0) -> None:
    """Every beep is heard while the picture shows its second, and no other one is heard."""
    found = beeps_heard(heard(reel.path))
    pictures = shown_times(reel.path)
    frame_s = 1 / float(reel.fps)
    near_s = AV_OFFSET_S + 1.5 * frame_s  # clips begin when their first frame came on
    clear = [each for each in reel.beeps_s(inside_s=0.04) if each[1] >= first_s]
    assert clear
    assert all(any(abs(at - wanted_s) < near_s and s == second for at, s in found) for wanted_s, second in clear)
    for found_s, second in found:
        assert any(abs(found_s - at) < near_s and s == second for at, s in reel.beeps_s(inside_s=-0.04))
        began_s, shown_s = max(each for each in pictures if each[0] <= found_s + 0.002)
        assert shown_s + found_s - began_s == pytest.approx(second, abs=allowed_s)


@pytest.mark.parametrize("kind", SOURCES)
def test_encode_shows_the_wanted_seconds_with_their_sound(clip: ClipMaker, tmp_path: Path, kind: str) -> None:
    spec = SOURCES[kind]
    reel = rendered(clip(spec), tmp_path, SPANS)
    assert_right_seconds(reel, spec)
    frame_s = 1 / float(reel.fps)
    # A frame of a variable rate lands on the nearest place of the reel's grid.
    allowed_s = AV_OFFSET_S + (frame_s / 2 if spec.gaps_ms else 0)
    assert_sound_belongs_to_picture(reel, allowed_s=allowed_s, first_s=spec.sound_starts_s)
    assert reel.rendered.duration_s == pytest.approx(reel.borders_s[-1], abs=frame_s)
    assert heard(reel.path).size / RATE_HZ == pytest.approx(reel.borders_s[-1], abs=frame_s + 1024 / RATE_HZ)
    assert (reel.rendered.width, reel.rendered.height) == (160, 90)
    assert reel.rendered.has_sound
    assert reel.rendered.warnings == ()
    assert reel.rendered.frames == len(shown_times(reel.path))


@pytest.mark.parametrize("kind", COPIED)
def test_copy_shows_the_wanted_seconds_with_their_sound(clip: ClipMaker, tmp_path: Path, kind: str) -> None:
    spec = SOURCES[kind]
    file, video = source(clip(spec))
    keys = (*copy_points(file, video).keyframes_s, video.duration_s)
    spans = (span(keys[2], keys[4]), span(keys[0], keys[1]), span(keys[3], keys[4]))
    reel = rendered(clip(spec), tmp_path, spans, "copy")
    assert_right_seconds(reel, spec)
    assert_sound_belongs_to_picture(reel, first_s=spec.sound_starts_s)
    assert reel.rendered.duration_s == pytest.approx(reel.borders_s[-1], abs=1.01 / float(video.fps))


def test_copied_pictures_are_the_sources_own_bytes(clip: ClipMaker, tmp_path: Path) -> None:
    path = clip(SOURCES["30"])
    reel = rendered(path, tmp_path, (span(2, 4), span(0, 1)), "copy")
    with av.open(str(path)) as one, av.open(str(reel.path)) as two:
        original = [bytes(p) for p in one.demux(one.streams.video[0]) if p.size]
        copied = [bytes(p) for p in two.demux(two.streams.video[0]) if p.size]
    assert copied == original[60:120] + original[0:30]


def test_copy_to_the_middle_of_a_gop_ends_there(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(SOURCES["30"]), tmp_path, (span(1, 2.4), span(4, 4.7)), "copy")
    assert_right_seconds(reel, SOURCES["30"])
    assert reel.rendered.duration_s == pytest.approx(2.1, abs=0.034)


def test_decoding_times_of_a_copy_grow(clip: ClipMaker, tmp_path: Path) -> None:
    for kind, k in (("30", 1.0), ("open_gop", 1.5), ("hour_mkv", 1.0)):
        spans = (span(2 * k, 2 * k + 0.5), span(0, k), span(k, 2 * k))
        reel = rendered(clip(SOURCES[kind]), tmp_path, spans, "copy")
        with av.open(str(reel.path)) as container:
            times = [(p.dts, p.pts) for p in container.demux(container.streams.video[0]) if p.size]
        assert all(a[0] < b[0] for a, b in itertools.pairwise(times) if a[0] is not None and b[0] is not None)
        assert all(pts >= dts for dts, pts in times if pts is not None and dts is not None)


def test_open_gops_are_copied_without_what_cannot_be_decoded_and_with_a_warning(
    clip: ClipMaker, tmp_path: Path
) -> None:
    path = clip(SOURCES["open_gop"])
    assert copy_points(*source(path)).keyframes_s == (0.0,)
    reel = rendered(path, tmp_path, (span(0, 1.5), span(4.5, 6)), "copy")
    assert reel.rendered.duration_s == pytest.approx(3, abs=0.034)
    assert reel.rendered.warnings
    assert reel.rendered.warnings[0].startswith("open_gop: 1 clips")
    with av.open(str(reel.path)) as container:
        times = sorted(p.pts * p.time_base for p in container.demux(container.streams.video[0]) if p.pts is not None)
    assert [float(t) for t in times if 1.41 < t < 1.54] == pytest.approx([1.5, 1.533], abs=0.001)
    assert all(shown_s < 1.45 or shown_s > 4.49 for _, shown_s in shown_times(reel.path))
    assert_sound_belongs_to_picture(reel, allowed_s=0.2)


def test_an_edit_list_of_the_source_is_obeyed(clip: ClipMaker, tmp_path: Path) -> None:
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(clip(SOURCES["30"]).read_bytes())
    trim_by_edit_list(path, 1.3)
    reel = rendered(path, tmp_path, (span(2.0, 3.5), span(0.2, 1.5)))
    assert_right_seconds(reel, SOURCES["30"], shift_s=1.3)
    found = beeps_heard(heard(reel.path))
    assert [second for _, second in found] == [4, 2]
    assert [at for at, _ in found] == pytest.approx([0.7, 2.0], abs=AV_OFFSET_S + 0.017)


def test_a_hundred_clips_do_not_drift(clip: ClipMaker, tmp_path: Path) -> None:
    spans = tuple(span(1 + n * 0.03, 1 + n * 0.03 + 0.11) for n in range(100))  # 3.3 frames each
    spec = ClipSpec(seconds=6, keyframe_s=0.5)
    reel = rendered(clip(spec), tmp_path, spans)
    assert reel.rendered.duration_s == pytest.approx(11.0, abs=1 / 30)
    assert heard(reel.path).size / RATE_HZ == pytest.approx(11.0, abs=0.06)
    assert_right_seconds(reel, spec)


def test_a_clip_beyond_the_end_holds_the_last_picture_in_silence(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(SOURCES["30"]), tmp_path, (span(5.0, 7.0),))
    assert reel.rendered.duration_s == pytest.approx(2, abs=0.034)
    assert shown_times(reel.path)[-1][1] == pytest.approx(5.967, abs=0.001)
    assert np.abs(heard(reel.path)[round(1.2 * RATE_HZ) :]).max() < 0.01


def test_a_source_without_sound_gives_a_reel_without_sound(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(ClipSpec(has_sound=False)), tmp_path, SPANS)
    assert not reel.rendered.has_sound
    assert reel.rendered.warnings == ()


def test_sound_that_starts_late_is_silent_before(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(SOURCES["late_sound"]), tmp_path, (span(0, 3),))
    sound = heard(reel.path)
    assert np.abs(sound[: round(1.4 * RATE_HZ)]).max() < 0.01
    assert np.abs(sound[round(1.6 * RATE_HZ) :]).max() > 0.3


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_a_gap_in_the_sound_stays_where_it_is(clip: ClipMaker, tmp_path: Path, suffix: str) -> None:
    reel = rendered(clip(ClipSpec(sound_gap_s=(1.5, 2.5), suffix=suffix)), tmp_path, (span(0.5, 4.5),))
    found = beeps_heard(heard(reel.path))
    assert [second for _, second in found] == [1, 3, 4]
    assert [at for at, _ in found] == pytest.approx([0.5, 2.5, 3.5], abs=AV_OFFSET_S)
    assert np.abs(heard(reel.path)[round(1.2 * RATE_HZ) : round(1.8 * RATE_HZ)]).max() < 0.01


def test_joins_do_not_click(clip: ClipMaker, tmp_path: Path) -> None:
    spans = tuple(span(0.2 + n, 0.2 + n + 0.2513) for n in range(5))  # the hum is cut at any phase
    reel = rendered(clip(ClipSpec()), tmp_path, spans)
    sound = heard(reel.path)
    joins = [round(b * RATE_HZ) for b in reel.borders_s[1:-1]]
    steps = np.abs(np.diff(sound))
    usual = float(np.quantile(steps, 0.99))
    for join in joins:
        assert steps[join - 400 : join + 400].max() < 2 * usual


def test_a_reel_says_what_it_is(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(ClipSpec(rotation_deg=270)), tmp_path, SPANS, how=EncodeSettings())
    data = reel.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(reel.path)) as container:
        stream, context = container.streams.video[0], container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.profile) == ("h264", "yuv420p", "High")
        colours = (context.color_range, context.colorspace, context.color_primaries, context.color_trc)
        assert colours == (1, 6, 1, 1)  # a small untagged picture is taken for BT.601, as players do
        assert stream.average_rate == 30
        frame = next(container.decode(stream))
        assert frame.rotation == 0
        sound = container.streams.audio[0].codec_context
        assert (sound.name, sound.sample_rate, sound.layout.name) == ("aac", 48000, "stereo")


def test_each_clip_begins_with_a_keyframe(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(SOURCES["30"]), tmp_path, (span(3, 4), span(0.5, 1.5), span(2, 2.5)))
    with av.open(str(reel.path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        keys = {
            round(float(p.pts * stream.time_base), 3)
            for p in container.demux(stream)
            if p.is_keyframe and p.pts is not None
        }
    assert {0.0, 1.0, 2.0} <= keys


def test_brightness_survives_full_range_and_deep_colour(clip: ClipMaker, tmp_path: Path) -> None:
    for kind in ("full_range", "yuv444", "ten_bit"):
        reel = rendered(clip(SOURCES[kind]), tmp_path, (span(0, 0.5),))
        with av.open(str(reel.path)) as container:
            plane = next(container.decode(container.streams.video[0])).to_ndarray()[:90]
        darkest, brightest = np.quantile(plane, (0.05, 0.95))  # the codec's ringing goes beyond
        assert darkest == pytest.approx(16, abs=3)
        assert brightest == pytest.approx(235, abs=3)


def test_an_interlaced_source_comes_out_progressive(clip: ClipMaker, tmp_path: Path) -> None:
    file, video = source(clip(SOURCES["30"]))
    made = tmp_path / "reel.mp4"
    render_reel(file, replace(video, is_interlaced=True), edit_list(SPANS), made, settings=QUICK)
    assert_right_seconds(
        Reel(
            Rendered(duration_s=0, width=0, height=0, fps=Fraction(1), frames=0, has_sound=True, began_s=()),
            made,
            SPANS,
            Fraction(30),
        ),
        SOURCES["30"],
    )


def test_odd_sizes_become_even(clip: ClipMaker, tmp_path: Path) -> None:
    reel = rendered(clip(ClipSpec(size=(161, 91), pixel_format="yuv444p")), tmp_path, SPANS)
    assert (reel.rendered.width, reel.rendered.height) == (162, 92)
    assert_right_seconds(reel, ClipSpec())


def test_fast_sources_are_slowed_to_the_limit(clip: ClipMaker, tmp_path: Path) -> None:
    spec = ClipSpec(fps=Fraction(120), seconds=5)
    reel = rendered(clip(spec), tmp_path, SPANS)
    assert reel.rendered.fps == 60
    assert_right_seconds(reel, spec)


def test_the_same_reel_twice_is_the_same_bytes(clip: ClipMaker, tmp_path: Path) -> None:
    one = rendered(clip(SOURCES["30"]), tmp_path, SPANS).path.read_bytes()
    assert rendered(clip(SOURCES["30"]), tmp_path, SPANS).path.read_bytes() == one


def test_progress_grows_to_one(clip: ClipMaker, tmp_path: Path) -> None:
    for render, spans in (("encode", SPANS), ("copy", (span(2, 4), span(0, 1)))):
        told = rendered(clip(SOURCES["30"]), tmp_path, spans, render).progress
        assert told[-1] == pytest.approx(1, abs=0.04)
        assert render == "copy" or told == sorted(told)


def test_a_copy_that_cannot_be_is_refused(clip: ClipMaker, tmp_path: Path) -> None:
    for kind, reason in (("turned", "turned by 90"), ("yuv444", "yuv444p"), ("ten_bit", "hevc"), ("opus_webm", "vp8")):
        file, video = source(clip(SOURCES[kind]))
        assert reason in (why_not_copy(video) or "")
        with pytest.raises(BadVideo, match=reason) as caught:
            render_reel(file, video, edit_list((span(0, 1),), "copy"), tmp_path / "reel.mp4")
        assert caught.value.code == "render_failed"
    assert why_not_copy(source(clip(SOURCES["30"]))[1]) is None


def test_a_copy_from_no_keyframe_is_refused_and_leaves_nothing(clip: ClipMaker, tmp_path: Path) -> None:
    file, video = source(clip(SOURCES["30"]))
    with pytest.raises(BadVideo, match=r"no keyframe at 1\.500 s"):
        render_reel(file, video, edit_list((span(1.5, 3),), "copy"), tmp_path / "reel.mp4")
    assert list(tmp_path.iterdir()) == []


def test_broken_sound_is_a_warning_and_the_picture_goes_on(clip: ClipMaker, tmp_path: Path) -> None:
    path = clip(SOURCES["30"])
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        sound = [(p.pos, p.size) for p in container.demux(container.streams.audio[0]) if p.size]
    for at, size in sound[60:200]:
        assert at is not None
        data[at : at + size] = b"\xff" * size
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(bytes(data))
    reel = rendered(broken, tmp_path, SPANS)
    assert_right_seconds(reel, SOURCES["30"])
    assert reel.rendered.warnings
    assert reel.rendered.warnings[0].startswith("sound_failed: ")


def test_a_full_disk_means_try_again(tmp_path: Path) -> None:
    with (
        pytest.raises(TryAgain, match="free some room"),
        reel_file(tmp_path / "reel.mp4", kind="mp4", name="x", doing="a test"),
    ):
        raise av.error.OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("seconds", [0.2, 6.0])
def test_a_disk_that_is_full_when_the_file_is_closed_means_try_again(
    clip: ClipMaker, tmp_path: Path, seconds: float
) -> None:
    (tmp_path / ".reel.mp4.part").symlink_to("/dev/full")  # a short reel is written only when the file is closed
    file, video = source(clip(SOURCES["30"]))
    with pytest.raises(TryAgain, match="free some room"):
        render_reel(file, video, edit_list((span(0, seconds),)), tmp_path / "reel.mp4", settings=QUICK)
    assert list(tmp_path.iterdir()) == []


def test_a_reel_has_its_name_only_when_it_is_whole(clip: ClipMaker, tmp_path: Path) -> None:
    seen: set[str] = set()

    def look(_: float) -> None:
        seen.update(each.name for each in tmp_path.iterdir())

    file, video = source(clip(SOURCES["30"]))
    (tmp_path / ".reel.mp4.part").write_bytes(b"what a killed render left")
    render_reel(file, video, edit_list(SPANS), tmp_path / "reel.mp4", settings=QUICK, on_progress=look)
    assert seen == {".reel.mp4.part"}
    assert [each.name for each in tmp_path.iterdir()] == ["reel.mp4"]


def test_what_a_listener_raises_comes_out_and_nothing_is_left(clip: ClipMaker, tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise TryAgain("the lease is gone")

    file, video = source(clip(SOURCES["30"]))
    with pytest.raises(TryAgain, match="the lease is gone"):
        render_reel(file, video, edit_list(SPANS), tmp_path / "reel.mp4", settings=QUICK, on_progress=stop)
    assert list(tmp_path.iterdir()) == []
    assert not file.closed


def test_sound_that_begins_before_the_picture_is_there_from_the_first_picture_on(
    clip: ClipMaker, tmp_path: Path
) -> None:
    # Matroska begins its second cluster after 5 s of a real film's length.
    spec = ClipSpec(seconds=30, fps=Fraction(10), size=(96, 54), start_s=1.0, sound_starts_s=-0.45, suffix=".mkv")
    reel = rendered(clip(spec), tmp_path, (span(0.1, 2.5),))
    assert [second for _, second in beeps_heard(heard(reel.path))] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cut", "crossfade"])
def test_the_picture_is_the_same_for_any_number_of_pieces_at_once(
    clip: ClipMaker, tmp_path: Path, kind: JoinKind
) -> None:
    file, video = source(clip(ClipSpec(seconds=20.0, keyframe_s=2.5)))
    spans = (span(1.3, 13.2), span(2.0, 10.6), span(9.0, 19.1))
    edit = replace(edit_list(spans), join=Join(kind=kind, duration_s=0.4))
    packets: set[bytes] = set()
    for threads in (1, 3, 3):
        how = EncodeSettings(preset="veryfast", encoder_threads=threads)
        made = render_reel(file, video, edit, tmp_path / "reel.mp4", settings=how)
        assert made.frames == round(edit.duration_s * 30)
        with av.open(str(tmp_path / "reel.mp4")) as reel:
            packets.add(b"".join(bytes(packet) for packet in reel.demux(video=0)))
    assert len(packets) == 1


def test_the_encoder_takes_a_qualitys_settings(clip: ClipMaker, tmp_path: Path) -> None:
    path = clip(ClipSpec(size=(320, 180), has_sound=False))
    wanted: dict[Quality, bytes] = {"draft": b"crf=25.0", "standard": b"rc_lookahead=30", "high": b"crf=18.0"}
    for quality, said in wanted.items():
        how = encode_settings(quality, encoder_threads=2)
        written = rendered(path, tmp_path, (span(0, 0.5),), how=how).path.read_bytes()
        assert b" threads=1 " in written  # x264 notes its settings in the stream
        assert said in written


def test_a_render_logs_what_it_does_and_how_fast_it_was(
    clip: ClipMaker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="shared.media.render"):
        rendered(clip(SOURCES["turned"]), tmp_path, SPANS)
        rendered(clip(SOURCES["30"]), tmp_path, (span(1, 2),), "copy")
    said = [each.getMessage() for each in caplog.records if each.name == "shared.media.render"]
    assert len(said) == 4
    for word in ("stream 0 (h264, yuv420p, 90x160)", "transpose=clock", "ultrafast, CRF 16, 2 pieces", "30 fps"):
        assert word in said[0]
    assert said[1].startswith("rendered 101 frames, 3.4 s of reel, in ")
    assert said[1].endswith("x real time")
    assert "by copy" in said[2]
    assert [getattr(each, "fields")["event"] for each in caplog.records] == ["render_began", "render_ended"] * 2  # noqa: B009
