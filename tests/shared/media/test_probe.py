from __future__ import annotations

import io
import struct
import time
from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest

from shared.domain.video import Video
from shared.errors import BadVideo, TryAgain
from shared.media import timing
from shared.media.copy_points import copy_points
from shared.media.orientation import read_display_matrix
from shared.media.probe import probe
from tests.clips import ClipMaker, ClipSpec, display_matrix, trim_by_edit_list

ORIENTATIONS = [(turn, mirrored) for turn in (0, 90, 180, 270) for mirrored in (False, True)]


def probed(path: Path) -> Video:
    with path.open("rb") as file:
        return probe(file, name=path.name)


def refused(data: bytes, name: str = "holiday.mp4") -> BadVideo:
    with pytest.raises(BadVideo) as caught:
        probe(io.BytesIO(data), name=name)
    assert caught.value.message.startswith(f"{name}: ")
    return caught.value


def test_an_ordinary_clip_is_described_as_it_was_made(clip: ClipMaker) -> None:
    video = probed(clip(ClipSpec(seconds=4)))
    assert (video.codec, video.pixel_format, video.width, video.height) == ("h264", "yuv420p", 160, 90)
    assert (video.fps, video.is_variable_rate, video.start_s) == (Fraction(30), False, 0)
    assert video.duration_s == pytest.approx(4)
    assert [(a.codec, a.rate_hz, a.channels, a.is_default) for a in video.audio] == [("aac", 48000, 2, True)]
    assert video.warnings == ()


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_clock_that_starts_at_one_hour_is_no_part_of_the_duration(clip: ClipMaker, suffix: str) -> None:
    video = probed(clip(ClipSpec(seconds=4, start_s=3600.0, suffix=suffix)))
    assert video.start_s == pytest.approx(3600, abs=0.002)
    assert video.duration_s == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("rate", ["24", "25", "30000/1001", "30", "60000/1001"])
def test_a_constant_rate_is_found_exactly_or_nearly(clip: ClipMaker, rate: str) -> None:
    video = probed(clip(ClipSpec(seconds=4, fps=Fraction(rate))))
    assert float(video.fps) == pytest.approx(float(Fraction(rate)), rel=1e-3)
    assert not video.is_variable_rate


def test_a_variable_rate_is_seen(clip: ClipMaker) -> None:
    for suffix in (".mp4", ".mkv"):
        assert probed(clip(ClipSpec(seconds=4, gaps_ms=(33, 33, 50, 100, 17), suffix=suffix))).is_variable_rate


def test_millisecond_clocks_are_no_variable_rate(clip: ClipMaker) -> None:
    assert not probed(clip(ClipSpec(seconds=4, fps=Fraction(60000, 1001), suffix=".mkv"))).is_variable_rate


@pytest.mark.parametrize(("turn", "mirrored"), ORIENTATIONS)
def test_a_display_matrix_is_read_as_turn_and_mirror(turn: int, mirrored: bool) -> None:
    a, b, _, c, d, *_ = display_matrix(turn, mirrored)
    assert read_display_matrix(((a, b), (c, d))) == (turn, mirrored, True)


@pytest.mark.parametrize(("turn", "mirrored"), [(90, False), (180, False), (270, True), (180, True)])
def test_shown_size_is_the_turned_one(clip: ClipMaker, turn: int, mirrored: bool) -> None:
    video = probed(clip(ClipSpec(seconds=2, rotation_deg=turn, is_mirrored=mirrored)))
    assert (video.rotation_deg, video.is_mirrored) == (turn, mirrored)
    assert (video.width, video.height) == (160, 90)
    assert (video.coded_width, video.coded_height) == ((90, 160) if turn % 180 else (160, 90))


def test_pixels_are_squared_in_the_shown_size(clip: ClipMaker) -> None:
    video = probed(clip(ClipSpec(seconds=2, sample_aspect_ratio=Fraction(4, 3))))
    assert (video.width, video.height, video.coded_width) == (213, 90, 160)


def test_an_edit_list_shortens_the_source(clip: ClipMaker, tmp_path: Path) -> None:
    path = tmp_path / "trimmed.mp4"
    path.write_bytes(clip(ClipSpec(seconds=4)).read_bytes())
    trim_by_edit_list(path, 1.3)
    assert probed(path).duration_s == pytest.approx(2.7, abs=0.05)


def test_a_header_without_duration_is_measured(tmp_path: Path, clip: ClipMaker) -> None:
    live = clip(ClipSpec(seconds=4, suffix=".mkv", container_options={"live": "1"}))
    with av.open(str(live)) as container:
        assert container.duration is None
    assert probed(live).duration_s == pytest.approx(4, abs=0.05)


def test_the_measured_duration_is_the_same_on_a_slow_machine(clip: ClipMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    live = clip(ClipSpec(seconds=4, suffix=".mkv", container_options={"live": "1"}))
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", count(step=100).__next__)
        video = probed(live)
    assert video == probed(live)
    assert video.warnings == ()


def test_a_very_long_file_without_index_gets_an_estimate(clip: ClipMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    live = clip(ClipSpec(seconds=20, start_s=3600, suffix=".mkv", container_options={"live": "1"}))
    monkeypatch.setattr(timing, "MEASURE_BYTES", live.stat().st_size // 2)
    video = probed(live)
    assert video.duration_s == pytest.approx(20, rel=0.1)
    assert [each.split(": ")[0] for each in video.warnings] == ["duration_estimated"]


def test_a_rotation_by_no_quarter_turn_is_warned_about(clip: ClipMaker, tmp_path: Path) -> None:
    data = clip(ClipSpec(seconds=2, rotation_deg=90)).read_bytes()
    tilted = [round(each * (1 << 16)) for each in (0.3, 0.954, 0, -0.954, 0.3, 0)]
    matrix = struct.pack(">6i", *display_matrix(90, False)[:6])
    assert data.count(matrix) == 1
    path = tmp_path / "tilted.mp4"
    path.write_bytes(data.replace(matrix, struct.pack(">6i", *tilted)))
    assert [each.split(": ")[0] for each in probed(path).warnings] == ["odd_rotation"]


def test_a_fragmented_mp4_is_measured(clip: ClipMaker) -> None:
    fragmented = clip(ClipSpec(seconds=4, container_options={"movflags": "frag_keyframe+empty_moov"}))
    assert probed(fragmented).duration_s == pytest.approx(4, abs=0.05)


def test_keyframes_are_found_where_they_are_shown(clip: ClipMaker) -> None:
    for spec in (ClipSpec(seconds=4), ClipSpec(seconds=4, start_s=3600.0, suffix=".mkv")):
        path = clip(spec)
        with path.open("rb") as file:
            times = copy_points(file, probed(path)).keyframes_s
        assert times == pytest.approx([0, 1, 2, 3], abs=0.002)


def test_each_bad_file_has_its_code(clip: ClipMaker) -> None:
    whole = clip(ClipSpec(seconds=2)).read_bytes()  # its index is at the end
    assert refused(b"").code == "empty_file"
    assert refused(b"Dear diary, today I filmed nothing.").code == "not_a_video"
    assert refused(b"\0").code == "not_a_video"
    assert refused(whole[: len(whole) * 6 // 10]).code == "truncated"
    assert refused(clip(ClipSpec(seconds=0.2)).read_bytes()).code == "too_short"


def test_sound_without_picture_is_refused_with_what_was_found(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 4096), np.float32), format="fltp", layout="stereo")
        frame.sample_rate = 48000
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    error = refused(path.read_bytes())
    assert error.code == "no_video_stream"
    assert "found: audio aac" in error.message


def test_a_picture_that_never_decodes_is_corrupt(clip: ClipMaker) -> None:
    data = bytearray(clip(ClipSpec(seconds=2, has_sound=False)).read_bytes())
    begin = data.index(b"mdat") + 4
    size = int.from_bytes(data[begin - 8 : begin - 4], "big") - 8
    data[begin : begin + size] = b"\xff" * size
    assert refused(bytes(data)).code == "corrupt"


class BrokenStorage(io.BytesIO):
    """Fails after some bytes, as an object store does."""

    def __init__(self, data: bytes, error: Exception, after_bytes: int) -> None:
        super().__init__(data)
        self.error, self.left = error, after_bytes

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.left -= len(data)
        if self.left < 0:
            raise self.error
        return data


@pytest.mark.parametrize("error", [OSError(5, "disk gone"), TryAgain("the store is busy"), ConnectionError("reset")])
@pytest.mark.parametrize("after_bytes", [0, 20_000])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_trouble_of_the_storage_comes_out_unchanged(
    clip: ClipMaker, error: Exception, after_bytes: int, suffix: str
) -> None:
    data = clip(ClipSpec(seconds=4, suffix=suffix)).read_bytes()
    with pytest.raises(type(error)) as caught:
        probe(BrokenStorage(data, error, after_bytes), name="x")
        copy_points(BrokenStorage(data, error, after_bytes), probe(io.BytesIO(data), name="x"))
    assert caught.value is error


def test_the_callers_file_stays_open(clip: ClipMaker) -> None:
    file = io.BytesIO(clip(ClipSpec(seconds=2)).read_bytes())
    probe(file, name="x")
    assert not file.closed
