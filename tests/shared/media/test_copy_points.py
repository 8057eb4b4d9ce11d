"""Where a copy can begin and end, how little is read to know it, and what is refused."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import av
import pytest

from shared.domain.render_plan import snap
from shared.domain.span import Span, span
from shared.media.copy_points import CopyPoints, copy_points
from shared.media.h264 import header_sets, may_have_fields
from shared.media.probe import probe
from tests.clips import ClipMaker, ClipSpec, set_edits
from tests.shared.media.test_stream_copy import FRAGMENTED, two_encodes

RECORDING = "raw_session_mixed_720p.mp4"  # 14 MB, 201 s, a keyframe about every 6 s


class Counted(io.BytesIO):
    read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data


def points(path: Path, *wanted: Span) -> CopyPoints:
    file = io.BytesIO(path.read_bytes())
    return copy_points(file, probe(file, name="x"), name="x", wanted=wanted or None)


@pytest.mark.parametrize(
    "spec",
    [
        ClipSpec(),
        ClipSpec(start_s=3600.0),
        ClipSpec(container_options=FRAGMENTED),
        ClipSpec(suffix=".mkv"),
        ClipSpec(suffix=".ts", start_s=3600.0),
    ],
    ids=["mp4", "hour_mp4", "fragmented", "mkv", "hour_ts"],
)
def test_the_keyframes_next_to_each_border_are_found(clip: ClipMaker, spec: ClipSpec) -> None:
    found = points(clip(spec), span(1.3, 2.7), span(4.0, 5.0), span(1.0, 1.5))
    assert found.why_not is None
    for second in (1, 2, 3, 4, 5):
        assert min(abs(each - second) for each in found.keyframes_s) < 0.002
    assert all(abs(each - round(each)) < 0.002 for each in found.keyframes_s)


@pytest.mark.parametrize("near_ms", [-3.0, -1.5, -1.06, -0.9, -0.5, 0.0, 0.5, 0.9, 1.06, 1.5, 3.0])
def test_a_clip_snaps_as_if_all_keyframes_were_known_however_near_one_a_border_lies(
    clip: ClipMaker, near_ms: float
) -> None:
    path = clip(ClipSpec(seconds=12.0))
    wanted = span(6 + near_ms / 1000, 9 + near_ms / 1000)
    some, every = (
        snap(wanted, found.keyframes_s, duration_s=12.0, lead_in_s=0.0)
        for found in (points(path, wanted), points(path))
    )
    assert some == every


def test_of_an_indexed_file_only_keyframes_next_to_borders_are_read(media_file: Callable[[str], Path]) -> None:
    file = Counted(media_file(RECORDING).read_bytes())
    video = probe(file, name="x")
    everywhere = copy_points(file, video).keyframes_s
    file.read_bytes = 0
    first, last = everywhere[3] + 0.5, everywhere[20] - 0.5
    assert copy_points(file, video, wanted=[span(first, last)]).keyframes_s == (everywhere[3], everywhere[20])
    assert file.read_bytes < 1_000_000


def test_without_an_index_only_what_is_wanted_is_read(media_file: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "recording.mkv"
    with av.open(str(media_file(RECORDING))) as whole, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    file = Counted(path.read_bytes())
    video = probe(file, name="x")
    file.read_bytes = 0
    assert copy_points(file, video, wanted=[span(100, 110)]).keyframes_s
    assert file.read_bytes < len(file.getvalue()) / 5


def test_open_gops_are_passed_over_in_search_of_a_keyframe(clip: ClipMaker) -> None:
    spec = ClipSpec(open_gop=True, keyframe_s=0.5, x264=":keyint=60")
    assert points(clip(spec), span(1.0, 1.5)).keyframes_s == points(clip(spec)).keyframes_s == (0.0,)


def test_parameter_sets_that_change_inside_what_is_wanted_are_the_reason(clip: ClipMaker, tmp_path: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        path = two_encodes(clip, tmp_path / f"two{suffix}")
        assert points(path).why_not == "its parameter sets change at 3.0 s"
        assert points(path, span(2.2, 4.5)).why_not == "its parameter sets change at 3.0 s"
        assert points(path, span(0.5, 1.5)).why_not is None
        assert points(path, span(0.5, 2.5)).why_not is None, "the change may end a clip"


def test_changed_parameter_sets_in_a_transport_stream_are_the_reason(clip: ClipMaker, tmp_path: Path) -> None:
    first = ClipSpec(seconds=3, has_sound=False, suffix=".ts")
    path = tmp_path / "two.ts"
    path.write_bytes(clip(first).read_bytes() + clip(replace(first, start_s=3.0, x264=":ref=4")).read_bytes())
    assert points(path, span(2.2, 4.5)).why_not == "its parameter sets change at 3.0 s"
    assert points(path, span(0.5, 2.5)).why_not is None


def test_pictures_left_out_between_edits_are_the_reason(clip: ClipMaker, tmp_path: Path) -> None:
    path = tmp_path / "edited.mp4"
    path.write_bytes(clip(ClipSpec(has_sound=False)).read_bytes())
    set_edits(path, [(2.5, 0.0), (3.0, 3.0)])
    found = points(path, span(1.2, 4.0))
    assert (found.why_not or "").startswith("an edit list leaves out pictures at 2.")
    assert points(path, span(0.3, 0.8)).why_not is None


def test_pictures_that_may_be_fields_are_the_reason(clip: ClipMaker) -> None:
    path = clip(ClipSpec(seconds=2, size=(160, 96), x264=":fake-interlaced=1"))
    assert points(path) == CopyPoints(keyframes_s=(), why_not="its pictures may be coded as fields")


def test_parameter_sets_that_cannot_be_read_may_allow_fields() -> None:
    assert may_have_fields(frozenset([b"\x67\x64\x00"]))
    assert header_sets(None) == header_sets(b"") == header_sets(b"\x01\x64\x00\x1f\xff\xe1") == frozenset()
