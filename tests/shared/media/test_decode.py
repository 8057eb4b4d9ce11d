from __future__ import annotations

import hashlib
import io
import itertools
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.video import Video
from shared.media.decode import FrameSample, frame_at, sample_frames
from shared.media.probe import probe
from shared.media.timeline import Damage
from tests.clips import ClipMaker, ClipSpec, read_time, trim_by_edit_list

RATE_HZ = 10
PLAIN = ClipSpec(seconds=6)
MOTION_JPEG = ClipSpec(seconds=6, codec="mjpeg", pixel_format="yuvj420p", full_range=True, has_sound=False)
SPECS = {
    "b_frames": PLAIN,
    "open_gop": ClipSpec(seconds=6, open_gop=True, b_frames=2, keyframe_s=1.5),
    "open_gop_ts": ClipSpec(seconds=6, open_gop=True, b_frames=2, keyframe_s=1.5, suffix=".ts"),
    "long_gop": ClipSpec(seconds=18, fps=Fraction(15), keyframe_s=8),
    "variable": ClipSpec(seconds=6, gaps_ms=(33, 33, 50, 100, 17)),
    "hour_mkv": ClipSpec(seconds=6, start_s=3600.0, suffix=".mkv"),
    "hour_ts": ClipSpec(seconds=6, start_s=3600.0, suffix=".ts"),
    "hour_mp4": ClipSpec(seconds=6, start_s=3600.0),
    "motion_jpeg_avi": replace(MOTION_JPEG, suffix=".avi"),
    "ntsc_mkv": ClipSpec(seconds=6, fps=Fraction(60000, 1001), suffix=".mkv"),
}


def source(path: Path) -> tuple[io.BytesIO, Video]:
    file = io.BytesIO(path.read_bytes())
    return file, probe(file, name=path.name)


def samples(file: io.BytesIO, video: Video, start_s: float, end_s: float, rate_hz: int = RATE_HZ) -> list[FrameSample]:
    return list(sample_frames(file, video, start_s=start_s, end_s=end_s, rate_hz=rate_hz, name="x"))


def seen_time_s(sample: FrameSample) -> float:
    return read_time(sample.grey(160)) / 1000


def digest(sample: FrameSample) -> tuple[int, int, str]:
    return (
        sample.index,
        sample.key,
        hashlib.sha256(sample.grey(64).tobytes() + sample.rgb(None, 64).tobytes()).hexdigest(),
    )


def on_screen_ms(spec: ClipSpec, t_s: float) -> set[int]:
    """Return the times in ms of the frames that may be on screen: two when one comes on just then."""
    return {round(max(t for t in spec.frame_times_s if t <= t_s + slack_s) * 1000) for slack_s in (0.001, 0.003)}


@pytest.mark.parametrize("kind", SPECS)
def test_a_sample_shows_what_is_on_screen_then(clip: ClipMaker, kind: str) -> None:
    spec = SPECS[kind]
    taken = samples(*source(clip(spec)), 0, 100)
    assert [s.index for s in taken] == list(range(len(taken)))
    assert len(taken) == pytest.approx(spec.seconds * RATE_HZ, abs=1)
    for sample in taken:
        assert round(seen_time_s(sample) * 1000) in on_screen_ms(spec, sample.t_s)
        assert sample.pts_s == pytest.approx(seen_time_s(sample), abs=0.003)


@pytest.mark.parametrize("kind", SPECS)
def test_samples_do_not_depend_on_where_sampling_begins(clip: ClipMaker, kind: str) -> None:
    file, video = source(clip(SPECS[kind]))
    whole = {sample.index: digest(sample) for sample in samples(file, video, 0, 100, rate_hz=8)}

    @settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, round(video.duration_s * 1000)), st.integers(50, 3000))
    def check(start_ms: int, length_ms: int) -> None:
        end_ms = start_ms + length_ms
        part = samples(file, video, start_ms / 1000, end_ms / 1000, rate_hz=8)
        assert [digest(s) for s in part] == [d for k, d in whole.items() if start_ms * 8 <= k * 1000 < end_ms * 8]

    check()


def test_samples_after_an_edit_list_do_not_depend_on_where_sampling_begins(clip: ClipMaker, tmp_path: Path) -> None:
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(clip(PLAIN).read_bytes())
    trim_by_edit_list(path, 1.3)
    file, video = source(path)
    whole = samples(file, video, 0, 100)
    assert seen_time_s(whole[0]) == pytest.approx(1.3, abs=0.034)
    assert seen_time_s(whole[20]) == pytest.approx(3.3, abs=0.034)
    for start_s in (0.3, 1.7, 2.0, 3.4):
        part = samples(file, video, start_s, 100)
        assert [digest(s) for s in part] == [digest(s) for s in whole[round(start_s * RATE_HZ) :]]


def test_borders_belong_to_one_chunk_only(clip: ClipMaker) -> None:
    file, video = source(clip(PLAIN))
    borders = [0.1 * n for n in range(0, 61, 7)] + [6.0]  # 0.1 * 7 is not 0.7
    taken = [s.index for a, b in itertools.pairwise(borders) for s in samples(file, video, a, b)]
    assert taken == list(range(60))


def test_a_slow_source_repeats_its_frames_under_one_key(clip: ClipMaker) -> None:
    taken = samples(*source(clip(ClipSpec(seconds=3, fps=Fraction(2)))), 0, 100, rate_hz=8)
    assert [s.key for s in taken[:4]] == [taken[0].key] * 4
    assert taken[4].key != taken[3].key
    assert [seen_time_s(s) for s in taken[2:6]] == [0, 0, 0.5, 0.5]
    assert len(taken) == 24


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_pictures_are_upright(clip: ClipMaker, turn: int, mirrored: bool) -> None:
    file, video = source(clip(ClipSpec(seconds=2, rotation_deg=turn, is_mirrored=mirrored)))
    sample = samples(file, video, 1, 1.05)[0]
    grey = sample.grey(80)
    assert grey.shape == (45, 80)
    assert grey.flags.c_contiguous
    assert read_time(grey) == 1000
    assert read_time(np.ascontiguousarray(sample.rgb(None, 160)[:, :, 1])) == 1000


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_box_is_cut_where_it_is_shown(clip: ClipMaker, turn: int, mirrored: bool) -> None:
    file, video = source(clip(ClipSpec(seconds=2, rotation_deg=turn, is_mirrored=mirrored)))
    sample = samples(file, video, 1, 1.05)[0]
    whole = sample.rgb(None, 160).astype(int)
    for box in ((0, 0, 40, 30), (100, 50, 160, 90), (-20, 10, 50, 500)):
        part = sample.rgb(box, 160)
        x0, y0, x1, y1 = max(0, box[0]), box[1], box[2], min(90, box[3])
        assert part.flags.c_contiguous
        assert np.array_equal(part, whole[y0:y1, x0:x1])


def test_a_box_is_scaled_down_and_never_up(clip: ClipMaker) -> None:
    file, video = source(clip(PLAIN))
    sample = samples(file, video, 0, 0.05)[0]
    assert sample.rgb((0, 0, 80, 40), 20).shape == (10, 20, 3)
    assert sample.rgb((0, 0, 80, 40), 999).shape == (40, 80, 3)
    assert sample.rgb((10, 10, 11, 11), 999).shape == (1, 1, 3)
    with pytest.raises(ValueError, match="outside the picture"):
        sample.rgb((160, 0, 200, 40), 20)


def test_pixels_are_squared(clip: ClipMaker) -> None:
    file, video = source(clip(ClipSpec(seconds=2, sample_aspect_ratio=Fraction(4, 3))))
    sample = samples(file, video, 0, 0.05)[0]
    assert sample.grey(213).shape == (90, 213)
    assert sample.rgb(None, 999).shape == (90, 213, 3)


def test_damage_is_counted_and_sampling_goes_on(clip: ClipMaker) -> None:
    data = bytearray(clip(ClipSpec(seconds=4, has_sound=False)).read_bytes())
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    data[begin + size // 3 : begin + size // 2] = b"\xff" * (size // 2 - size // 3)
    file, damage = io.BytesIO(bytes(data)), Damage()
    video = probe(file, name="x")
    taken = list(sample_frames(file, video, start_s=0, end_s=9, rate_hz=RATE_HZ, name="x", damage=damage))
    assert damage
    assert seen_time_s(taken[3]) == pytest.approx(0.3, abs=0.001)
    assert seen_time_s(taken[-1]) == pytest.approx(3.9, abs=0.001)


def test_frame_at_gives_the_last_one_for_a_time_beyond_the_end(clip: ClipMaker) -> None:
    file, video = source(clip(PLAIN))
    late, exact = frame_at(file, video, 99, name="x"), frame_at(file, video, 2.5, name="x")
    assert late is not None
    assert exact is not None
    assert seen_time_s(late) > 4.9
    assert seen_time_s(exact) == 2.5


def test_the_open_gop_clip_has_frames_before_its_keyframes(clip: ClipMaker) -> None:
    with av.open(str(clip(SPECS["open_gop"]))) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.pts is not None]
    keys = [n for n, packet in enumerate(packets) if packet.is_keyframe]
    assert len(keys) == 4
    assert all((packets[n + 1].pts or 0) < (packets[n].pts or 0) for n in keys[1:])
