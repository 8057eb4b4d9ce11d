from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.video import Video
from shared.media.decode import FrameSample, sample_frames
from shared.media.probe import probe
from shared.media.timeline import REORDERED, Damage, Tally, pts_of
from tests.clips import ClipMaker, ClipSpec, read_time
from tests.damage import spoil

RATE_HZ = 8
PLAIN = ClipSpec(seconds=4, has_sound=False)
X265 = ":pools=none:frame-threads=1:log-level=none"
SPECS = {
    "b_frames": PLAIN,
    "many_b_frames": replace(PLAIN, b_frames=7, fps=Fraction(60)),
    "pyramid": replace(PLAIN, b_frames=3, b_pyramid=True),
    "no_b_frames": replace(PLAIN, b_frames=0),
    "open_gop": replace(PLAIN, open_gop=True, keyframe_s=1.5),
    "open_gop_ts": replace(PLAIN, open_gop=True, b_frames=3, b_pyramid=True, keyframe_s=1.5, suffix=".ts"),
    "one_keyframe": replace(PLAIN, keyframe_s=9, b_frames=3),
    "all_intra": replace(PLAIN, keyframe_s=0.01),
    "variable": replace(PLAIN, gaps_ms=(33, 17, 50, 200, 17, 17, 17)),
    "ten_fps": replace(PLAIN, fps=Fraction(10)),
    "two_fps": replace(PLAIN, fps=Fraction(2)),
    "ntsc_mkv": replace(PLAIN, fps=Fraction(60000, 1001), suffix=".mkv", start_s=3600.0),
    "hevc": replace(PLAIN, codec="libx265", b_frames=3),
    "hevc_ts": replace(PLAIN, codec="libx265", b_frames=3, suffix=".ts"),
    "motion_jpeg": replace(PLAIN, codec="mjpeg", pixel_format="yuvj420p", full_range=True, suffix=".avi"),
    "vp9": replace(PLAIN, codec="libvpx-vp9", suffix=".webm", seconds=2),
}


def source(path: Path) -> tuple[io.BytesIO, Video]:
    file = io.BytesIO(path.read_bytes())
    return file, probe(file, name=path.name)


def sparse(
    file: io.BytesIO, video: Video, start_s: float = 0, end_s: float = 100, *, tally: Tally | None = None
) -> list[FrameSample]:
    frames = sample_frames(
        file, video, start_s=start_s, end_s=end_s, rate_hz=RATE_HZ, name="x", sparse=True, tally=tally
    )
    return list(frames)


def digest(sample: FrameSample) -> tuple[int, int, str]:
    picture = np.ascontiguousarray(sample.frame.to_ndarray())
    return sample.index, sample.key, hashlib.sha256(picture.tobytes()).hexdigest()


def frame_times_s(path: Path, video: Video, *, skip: Literal["DEFAULT", "NONREF"]) -> list[float]:
    """Return when the frames are shown that libav decodes, in source time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = skip
        return [
            float((pts_of(frame) or 0) * (frame.time_base or 0)) - video.start_s for frame in container.decode(stream)
        ]


@pytest.mark.parametrize("kind", SPECS)
def test_a_step_takes_the_last_reference_frame_unless_it_is_too_old(clip: ClipMaker, kind: str) -> None:
    path = clip(SPECS[kind])
    file, video = source(path)
    every, references = frame_times_s(path, video, skip="DEFAULT"), frame_times_s(path, video, skip="NONREF")
    taken = sparse(file, video)
    assert [sample.index for sample in taken] == list(range(len(taken)))
    assert len(taken) == pytest.approx(SPECS[kind].seconds * RATE_HZ, abs=1)
    for sample in taken:
        on_screen = max(t for t in every if t <= sample.t_s + 0.002)
        reference = max(t for t in references if t <= sample.t_s + 0.002)
        wanted = reference if on_screen - reference <= 0.5 / RATE_HZ else on_screen
        assert sample.pts_s == pytest.approx(wanted, abs=0.0001), sample
        assert read_time(sample.grey(160)) / 1000 == pytest.approx(wanted, abs=0.003)


@pytest.mark.parametrize("kind", SPECS)
def test_sparse_samples_do_not_depend_on_where_sampling_begins(clip: ClipMaker, kind: str) -> None:
    file, video = source(clip(SPECS[kind]))
    whole = {sample.index: digest(sample) for sample in sparse(file, video)}

    @settings(max_examples=8, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, round(video.duration_s * 1000)), st.integers(50, 2000))
    def check(start_ms: int, length_ms: int) -> None:
        end_ms = start_ms + length_ms
        part = sparse(file, video, start_ms / 1000, end_ms / 1000)
        assert [digest(s) for s in part] == [d for k, d in whole.items() if start_ms * 8 <= k * 1000 < end_ms * 8]

    check()


@pytest.mark.parametrize(
    ("kind", "at_most"),
    [("b_frames", 0.4), ("many_b_frames", 0.35), ("pyramid", 0.55), ("hevc", 0.65), ("all_intra", 0.27),
     ("motion_jpeg", 0.27)],
)  # fmt: skip
def test_frames_no_step_needs_are_not_decoded(clip: ClipMaker, kind: str, at_most: float) -> None:
    spec, tally = SPECS[kind], Tally()
    sparse(*source(clip(spec)), tally=tally)
    assert tally.packets == len(spec.frame_times_s)
    assert tally.decoded_frames <= at_most * tally.packets


def test_every_frame_is_decoded_where_packets_do_not_tell_which_ones_others_need(clip: ClipMaker) -> None:
    spec, tally = SPECS["vp9"], Tally()
    sparse(*source(clip(spec)), tally=tally)
    assert tally.decoded_frames == tally.packets == len(spec.frame_times_s)


def test_large_motion_jpeg_is_decoded_at_half_size_and_shown_at_its_own(clip: ClipMaker) -> None:
    spec = replace(SPECS["motion_jpeg"], seconds=0.5, fps=Fraction(8), size=(2560, 1440))
    for sample in sparse(*source(clip(spec))):
        assert (sample.frame.width, sample.frame.height) == (1280, 720)
        assert sample.rgb(None, 9999).shape == (1440, 2560, 3)
        assert sample.rgb((1000, 500, 1200, 700), 999).shape == (200, 200, 3)
        assert read_time(sample.grey(160)) / 1000 == pytest.approx(sample.pts_s, abs=0.003)


@pytest.mark.parametrize("kind", ["one_keyframe", "hevc", "all_intra"])
def test_reading_stops_with_the_last_frame_that_is_needed(clip: ClipMaker, kind: str) -> None:
    tally = Tally()
    assert len(sparse(*source(clip(SPECS[kind])), 0, 0.5, tally=tally)) == 4
    assert tally.packets <= 15 + 2 * REORDERED
    assert tally.decoded_frames <= 15


def test_damage_in_what_is_decoded_is_counted(clip: ClipMaker) -> None:
    file, video = source(spoil(clip(SPECS["no_b_frames"]), start_s=1.4, end_s=1.6))
    damage = Damage()
    taken = list(sample_frames(file, video, start_s=0, end_s=9, rate_hz=8, name="x", sparse=True, damage=damage))
    assert damage
    assert len(taken) == 32


def test_where_what_was_sent_is_kept_nothing_is_left_out(clip: ClipMaker) -> None:
    file, video = source(spoil(clip(SPECS["b_frames"]), start_s=1.4, end_s=1.6))
    found = []
    for is_sparse in (False, True):
        damage, tally = Damage(sent=[]), Tally()
        frames = sample_frames(
            file,
            video,
            start_s=0,
            end_s=9,
            rate_hz=8,
            name="x",
            sparse=is_sparse,
            damage=damage,
            tally=tally,
            threads=1,
        )
        found.append(([(*digest(each), each.is_stale) for each in frames], damage, tally))
    assert found[0] == found[1]
    assert any(each[-1] for each in found[0][0])
