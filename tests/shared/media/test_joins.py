"""How clips give way to each other in a rendered reel: which second is seen where, and how bright."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

from shared.domain.edit_list import Clip, EditList, Join
from shared.domain.reel_time import ReelClip, lay_out
from shared.domain.span import Span, span
from shared.errors import BadVideo
from shared.media.encoder import EncodeSettings
from shared.media.joins import Grey, cross_faded, dimmed, pixels
from shared.media.probe import probe
from shared.media.projector import reel_frames
from shared.media.render import render_reel
from tests.clips import ClipMaker, ClipSpec, read_time

QUICK = EncodeSettings(preset="ultrafast", crf=4)
SPANS = (span(3, 5), span(0.5, 2), span(2.2, 4))
FADE = 11  # frames of a join of 11/30 s at 30 fps


def edit_list(spans: tuple[Span, ...], join: Join) -> EditList:
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=()) for each in spans)
    return EditList(render="encode", clips=clips, join=join)


def rendered(path: Path, folder: Path, edit: EditList) -> list[Grey]:
    """Return the brightness of each frame of the reel."""
    file = io.BytesIO(path.read_bytes())
    reel = render_reel(file, probe(file, name=path.name), edit, folder / "reel.mp4", settings=QUICK)
    with av.open(str(folder / "reel.mp4")) as container:
        frames = [pixels(frame.planes[0]).copy() for frame in container.decode(container.streams.video[0])]
    assert reel.frames == len(frames)
    return frames


def plain(value: int) -> VideoFrame:
    frame = VideoFrame(50, 22, "yuv420p")  # rows are padded
    for plane in frame.planes:
        pixels(plane)[:] = value
    return frame


def values(frame: VideoFrame) -> list[int]:
    for plane in frame.planes:
        assert np.ptp(pixels(plane)) == 0
    return [int(pixels(plane)[0, 0]) for plane in frame.planes]


def test_half_a_cross_fade_is_the_mean_of_both_pictures() -> None:
    assert values(cross_faded(plain(200), plain(101), 0.5)) == [151, 151, 151]
    assert values(cross_faded(plain(200), plain(100), 0)) == [200, 200, 200]
    assert values(cross_faded(plain(200), plain(100), 1)) == [100, 100, 100]


def test_a_picture_dims_to_the_black_of_limited_range() -> None:
    assert values(dimmed(plain(200), 0)) == [16, 128, 128]
    assert values(dimmed(plain(200), 0.5)) == [108, 164, 164]
    assert values(dimmed(plain(200), 1)) == [200, 200, 200]


def test_a_cross_fade_shows_the_end_of_one_clip_and_the_beginning_of_the_next_together(
    clip: ClipMaker, tmp_path: Path
) -> None:
    edit = edit_list(SPANS, Join(kind="crossfade", duration_s=FADE / 30))
    frames = rendered(clip(ClipSpec()), tmp_path, edit)
    hard = rendered(clip(ClipSpec()), tmp_path, replace(edit, join=Join()))
    laid = lay_out(edit, Fraction(30))
    assert len(frames) == laid[-1].first_frame + laid[-1].frames == 60 + 45 + 54 - 2 * FADE
    starts = [0, 60, 105]  # of the clips with hard cuts
    for order, each in enumerate(laid):
        for number in range(each.fade_in, each.frames - each.fade_out):
            wanted_ms = round(1000 * (SPANS[order].start_s + number / 30))
            assert abs(read_time(frames[each.first_frame + number]) - wanted_ms) <= 1
    for order in (1, 2):
        for number in range(FADE):
            share = (number + 0.5) / FADE
            going = hard[starts[order] - FADE + number].astype(float)
            coming = hard[starts[order] + number].astype(float)
            mixed = frames[laid[order].first_frame + number]
            assert np.abs(mixed - (going * (1 - share) + coming * share)).mean() < 3


def test_a_dip_goes_through_black(clip: ClipMaker, tmp_path: Path) -> None:
    edit = edit_list(SPANS, Join(kind="dip", duration_s=2 * FADE / 30))
    frames = rendered(clip(ClipSpec()), tmp_path, edit)
    assert len(frames) == 60 + 45 + 54
    for join in (60, 105):
        assert frames[join - 1].max() <= 18
        assert frames[join].max() <= 18
        bright = [int(np.quantile(frame, 0.95)) for frame in frames[join - FADE - 1 : join + FADE + 1]]
        assert bright[0] == pytest.approx(235, abs=4)
        assert bright[-1] == pytest.approx(235, abs=4)
        assert bright[: FADE + 1] == sorted(bright[: FADE + 1], reverse=True)
        assert bright[FADE + 1 :] == sorted(bright[FADE + 1 :])
    for number in range(FADE, 45 - FADE):
        assert abs(read_time(frames[60 + number]) - round(1000 * (0.5 + number / 30))) <= 1


def test_a_reel_has_exactly_the_frames_of_its_lay_out() -> None:
    for join in ("cut", "crossfade", "dip"):
        for fade in (0, 1, 4):
            overlap = fade if join == "crossfade" else 0
            clips = (
                ReelClip(0.0, 0, 9, fade_out=fade),
                ReelClip(1.0, 9 - overlap, 8, fade_in=fade, fade_out=fade),
                ReelClip(2.0, 17 - 2 * overlap, 4, fade_in=fade),
            )
            asked: list[tuple[int, float]] = []

            def show(deck: int, one: ReelClip, asked: list[tuple[int, float]] = asked) -> list[VideoFrame]:
                asked.append((deck, one.start_s))
                return [plain(100)] * one.frames

            frames = list(reel_frames(clips, lambda deck, one, show=show: iter(show(deck, one)), join=join))  # type: ignore[misc]
            assert len(frames) == 21 - 2 * overlap
            assert [at for _, at in asked] == [0.0, 1.0, 2.0]
            assert [deck for deck, _ in asked] == ([0, 1, 0] if join == "crossfade" else [0, 0, 0])


def test_a_source_that_vanishes_during_a_cross_fade_raises_what_the_storage_raised(
    clip: ClipMaker, tmp_path: Path
) -> None:
    class Gone(OSError):
        pass

    class Vanishing(io.BytesIO):
        gone = False

        def read(self, size: int | None = -1, /) -> bytes:
            if self.gone:
                raise Gone("the bucket is gone")
            return super().read(size)

    file = Vanishing(clip(ClipSpec(seconds=9)).read_bytes())
    video = probe(file, name="x")

    def vanish(_: float) -> None:
        file.gone = True

    edit = edit_list((span(0, 1), span(7, 9), span(3, 4)), Join(kind="crossfade", duration_s=0.5))
    with pytest.raises(Gone, match="the bucket is gone"):
        render_reel(file, video, edit, tmp_path / "reel.mp4", settings=QUICK, on_progress=vanish)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_names_the_stream_the_filters_and_what_libav_said(clip: ClipMaker, tmp_path: Path) -> None:
    def fail(share: float) -> None:
        if share > 0.5:  # the picture is on its way
            raise av.error.InvalidDataError(1, "it broke", None, ("libx264", "error", "the last line"))  # type: ignore[arg-type]

    file = io.BytesIO(clip(ClipSpec(rotation_deg=90)).read_bytes())
    video = probe(file, name="x")
    with pytest.raises(BadVideo) as caught:
        render_reel(
            file, video, edit_list(SPANS, Join()), tmp_path / "reel.mp4", settings=QUICK, on_progress=fail, name="x.mp4"
        )
    for said in ("x.mp4", "stream 0 (h264", "transpose=clock", "ultrafast, CRF 4", "the last line"):
        assert said in caught.value.message
