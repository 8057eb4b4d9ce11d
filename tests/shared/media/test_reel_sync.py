"""The ruler for sync itself, and some of the matrix; `make test-sync` tries all of it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from shared.domain.edit_list import Clip, EditList
from shared.domain.span import span
from tests.clips import ClipMaker, ClipSpec
from tests.reel_sync import ClipOffsets, Source, measure
from tests.sync_chart import draw, rows_of
from tests.sync_matrix import MATRIX, Row

SPEC = ClipSpec(seconds=6, size=(96, 54), fps=Fraction(25))


def listed(start_s: float) -> EditList:
    """Return the list of one clip of four seconds: what a film is to itself, from there on."""
    shown = span(start_s, start_s + 4)
    return EditList(render="encode", clips=(Clip(wanted=shown, actual=shown, score=1, reasons=()),))


def with_late_sound(path: Path, made: Path, late_s: float) -> Path:
    with av.open(str(path)) as source, av.open(str(made), "w") as target:
        streams = {each.index: target.add_stream_from_template(each) for each in source.streams}
        for packet in source.demux():
            if packet.pts is None or packet.dts is None:
                continue
            ticks = round(late_s / packet.time_base) if packet.stream.type == "audio" else 0
            packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
            packet.stream = streams[packet.stream.index]
            target.mux(packet)
    return made


def test_a_film_is_in_sync_with_itself(clip: ClipMaker) -> None:
    (offsets,) = measure(clip(SPEC), listed(0.0), Source(spec=SPEC))
    assert offsets.frames == 0
    assert offsets.sound_s == pytest.approx(0, abs=0.001)
    assert offsets.lost_beeps == 0


@pytest.mark.parametrize(("start_s", "frames"), [(0.09, -2), (-0.09, 2)])
def test_the_ruler_sees_two_frames(clip: ClipMaker, start_s: float, frames: int) -> None:
    (offsets,) = measure(clip(SPEC), listed(start_s), Source(spec=SPEC))
    assert offsets.frames == frames
    assert offsets.sound_s == pytest.approx(0, abs=0.001), "the sound goes with the picture"
    assert offsets.listed_s == pytest.approx(start_s, abs=0.001)
    assert not offsets.is_bound


def test_the_ruler_sees_late_sound(clip: ClipMaker, tmp_path: Path) -> None:
    late = with_late_sound(clip(SPEC), tmp_path / "late.mkv", 0.015)
    (offsets,) = measure(late, listed(0.0), Source(spec=SPEC))
    assert offsets.frames == 0
    assert offsets.sound_s == pytest.approx(0.015, abs=0.0025)  # MKV counts whole milliseconds
    assert not offsets.is_bound


def test_the_chart_has_a_line_for_every_row() -> None:
    offsets = (ClipOffsets(frames=0, sound_s=0.001, listed_s=0.001, lost_beeps=0),) * 3
    rows = [Row(name="30 fps", mode="encode", join="cut", offsets=offsets)] * 4
    assert draw(rows).height - draw(rows[:1]).height == 3 * 24
    assert isinstance(draw(rows), Image.Image)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["variable rate", "starts at 1 h, TS", "edit list cuts 1.3 s off"])
def test_thirty_clips_are_in_sync(name: str) -> None:
    (trial,) = (each for each in MATRIX if each.name == name)
    rows = rows_of(trial)
    assert all(isinstance(row, Row) and row.is_bound for row in rows), rows
    assert {row.mode for row in rows if isinstance(row, Row)} == set(trial.modes)
