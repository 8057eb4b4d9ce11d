"""Thumbnails show the right moment, upright, in the reel's colours; a sheet holds them in order."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shared.domain.thumbnails import Thumbnail, thumbnail_count, thumbnail_size
from shared.media.decode import frame_at
from shared.media.poster import write_poster
from shared.media.probe import probe
from shared.media.thumbnail import Thumbnailer, thumbnails_nearby
from shared.media.thumbnail_sheet import write_sheet
from tests.clips import ClipMaker, ClipSpec, paint_time, read_time


def picture(jpeg: bytes) -> NDArray[np.uint8]:
    """Return the brightness that a JPEG shows."""
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("L"))


def taken(path: Path, *, every_s: int, most_decoded: int = 3000) -> list[Thumbnail]:
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        count = thumbnail_count(video.duration_s, every_s=every_s)
        return thumbnails_nearby(file, video, every_s=every_s, count=count, name="x", most_decoded=most_decoded)


@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_a_thumbnail_is_upright(clip: ClipMaker, rotation_deg: int) -> None:
    path = clip(
        ClipSpec(
            seconds=2.0, rotation_deg=rotation_deg, is_mirrored=rotation_deg == 90, size=(320, 180), has_sound=False
        )
    )
    first, second = taken(path, every_s=1)
    assert picture(second.jpeg).shape == (90, 160)
    assert (read_time(picture(first.jpeg)), read_time(picture(second.jpeg))) == (0, 1000)


@pytest.mark.parametrize("keyframe_s", [1.0, 5.0])
def test_a_short_source_is_gone_through_once_and_shown_to_the_moment(clip: ClipMaker, keyframe_s: float) -> None:
    found = taken(clip(ClipSpec(seconds=6.0, keyframe_s=keyframe_s, b_frames=0, has_sound=False)), every_s=1)
    assert [(each.number, read_time(picture(each.jpeg))) for each in found] == [(n, 1000 * n) for n in range(6)]


def test_of_a_long_source_keyframes_will_do_that_are_near_enough(clip: ClipMaker) -> None:
    path = clip(ClipSpec(seconds=12.0, keyframe_s=0.8, fps=Fraction(10), has_sound=False))
    found = taken(path, every_s=5, most_decoded=100)
    assert [(each.number, read_time(picture(each.jpeg))) for each in found] == [(0, 0), (1, 4800), (2, 9600)]


def test_of_a_long_source_with_few_keyframes_some_is_decoded_and_never_much(clip: ClipMaker) -> None:
    path = clip(ClipSpec(seconds=12.0, keyframe_s=12.0, fps=Fraction(10), has_sound=False))
    shown = [read_time(picture(each.jpeg)) for each in taken(path, every_s=4, most_decoded=119)]
    assert shown == [0, 2000, 6000], "at most half a step early"
    assert [read_time(picture(each.jpeg)) for each in taken(path, every_s=4, most_decoded=40)] == [0, 2000, 1700]
    assert [read_time(picture(each.jpeg)) for each in taken(path, every_s=4, most_decoded=1)] == [0, 0, 0]


def test_whoever_is_told_how_far_it_is_may_stop_it(clip: ClipMaker) -> None:
    told: list[float] = []

    def tell(share: float) -> None:
        told.append(share)
        if share >= 0.5:
            raise InterruptedError

    with clip(ClipSpec(has_sound=False)).open("rb") as file, pytest.raises(InterruptedError):
        thumbnails_nearby(file, probe(file, name="x"), every_s=1, count=6, name="x", tell=tell)
    assert told == sorted(told) and told[0] == 0


@pytest.mark.parametrize(
    "name",
    [
        "odd/full_range_yuvj.mp4",
        "motion/squats_portrait.mp4",
        pytest.param("odd/hdr10_sdr_container.mp4", marks=pytest.mark.slow),
        pytest.param("odd/yuv422p.mp4", marks=pytest.mark.slow),
        pytest.param("odd/odd_639x359.mp4", marks=pytest.mark.slow),
        pytest.param("motion/no_person_tree.avi", marks=pytest.mark.slow),
    ],
)
def test_a_thumbnail_has_the_posters_colours(media_file: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    with media_file(name).open("rb") as file:
        video = probe(file, name=name)
        write_poster(file, video, 0.3, tmp_path / "poster.jpg", max_side_px=160)
        sample = frame_at(file, video, 0.3, name=name)
    assert sample is not None
    thumbnail = Image.open(io.BytesIO(Thumbnailer(video).jpeg(sample.frame)))
    poster = Image.open(tmp_path / "poster.jpg")
    assert thumbnail.size == poster.size == thumbnail_size(video.width, video.height)
    apart = np.asarray(thumbnail, np.int16) - np.asarray(poster, np.int16)
    assert np.abs(apart.mean(axis=(0, 1))).max() < 3, "the same colours"
    assert np.abs(apart).mean() < 12, "in the same places; the one is scaled more softly"


def test_the_sheet_holds_all_row_by_row(tmp_path: Path) -> None:
    jpegs = []
    for number in range(20):
        buffer = io.BytesIO()
        Image.fromarray(paint_time(1000 * number, (160, 90))).convert("RGB").save(buffer, format="JPEG")
        jpegs.append(buffer.getvalue())
    write_sheet(tmp_path / "thumbs.jpg", jpegs, (160, 90))
    sheet = np.asarray(Image.open(tmp_path / "thumbs.jpg").convert("L"))
    assert sheet.shape == (2 * 90, 16 * 160)
    for number in range(20):
        row, column = divmod(number, 16)
        place = sheet[90 * row : 90 * (row + 1), 160 * column : 160 * (column + 1)]
        assert read_time(place) == 1000 * number
    assert sheet[90:, 4 * 160 + 16 :].max() < 40, "the last places are empty"


def test_of_a_source_that_cannot_be_decoded_there_is_no_thumbnail(clip: ClipMaker, tmp_path: Path) -> None:
    whole = clip(ClipSpec(seconds=3.0, has_sound=False))
    with whole.open("rb") as file:
        video = probe(file, name="x")
    data = bytearray(whole.read_bytes())
    at = data.index(b"mdat")
    (size,) = struct.unpack_from(">I", data, at - 4)
    data[at + 4 : at + size - 4] = bytes(size - 8)
    (tmp_path / "empty.mp4").write_bytes(bytes(data))
    for most_decoded in (3000, 10):
        with (tmp_path / "empty.mp4").open("rb") as file:
            assert not thumbnails_nearby(file, video, every_s=1, count=3, name="x", most_decoded=most_decoded)
