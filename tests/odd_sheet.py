"""Every readable odd file beside its reel, to be looked at: orientation, aspect, colour, no green, no stripes.

`python -m tests.odd_sheet OUT.png [NAME ...]`
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
from av.video.frame import VideoFrame
from PIL import Image, ImageDraw

from shared.domain.edit_list import EditList
from shared.domain.span import span
from shared.errors import BadVideo
from shared.media.encoder import EncodeSettings
from shared.media.probe import probe
from shared.media.render import render_reel
from shared.media.typeface import typeface
from tests.sync_matrix import Mode, plan

ROOT = Path(__file__).parents[1]
ODD = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media") / "odd"
CELL, GAP, TEXT_PX, MARGIN, PAIRS = (190, 120), 4, 42, 14, 3
WIDTH = 2 * MARGIN + PAIRS * (2 * CELL[0] + 3 * GAP)
INK, SOFT, PAPER, FRAME = (235, 235, 235), (160, 165, 172), (24, 26, 30), (60, 64, 70)
MATRICES = {1: "bt709", 5: "bt601", 6: "bt601", 9: "bt2020"}
CURVES = {1: "bt709", 6: "bt601", 16: "PQ", 18: "HLG"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A file and its reel at the same moments."""

    name: str
    mode: Mode
    pairs: list[tuple[Image.Image | None, Image.Image | None]]
    source_tags: str
    reel_tags: str
    wanted_s: float
    """How long the reel should be."""
    fps: float


def looks(path: Path, folder: Path) -> Iterator[Look]:
    """Yield the file beside its encoded reel and, where it can be copied, its copied one; BadVideo if unreadable."""
    for mode in ("encode", "copy"):
        edit = _edit_list(path, mode)
        if edit.render != mode:
            continue
        reel = folder / f"{mode}.mp4"
        with path.open("rb") as file:
            video = probe(file, name=path.name)
            made = render_reel(file, video, edit, reel, settings=EncodeSettings(), name=path.name)
        wanted_s = [min(each.actual.start_s + 0.1, each.actual.end_s) for each in edit.clips]
        at_s, shown_s = 0.0, []
        for clip, source_s in zip(edit.clips, wanted_s, strict=True):
            shown_s.append(at_s + source_s - clip.actual.start_s)
            at_s += clip.actual.duration_s
        half_s = 0.5 / float(made.fps)
        sources, source_tags = _plainly(path, [video.start_s + each + half_s for each in wanted_s])
        reels, reel_tags = _plainly(reel, [each + half_s for each in shown_s])
        yield Look(
            name=path.name,
            mode=mode,
            pairs=list(zip(sources, reels, strict=True)),
            source_tags=source_tags,
            wanted_s=edit.duration_s,
            fps=float(made.fps),
            reel_tags=f"{reel_tags}, {made.fps} fps",
        )


def _edit_list(path: Path, mode: Mode) -> EditList:
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        length_s = min(1.0, video.duration_s / 4)
        spans = [span(share * video.duration_s, share * video.duration_s + length_s) for share in (0.05, 0.4, 0.72)]
    return plan(path, mode, spans)


def _plainly(path: Path, times_s: list[float]) -> tuple[list[Image.Image | None], str]:
    """Return the pictures on screen at the times and the picture's tags, decoded from the start with libav alone."""
    found: list[Image.Image | None] = []
    tags = ""
    before: VideoFrame | None = None
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.best("video")
        assert stream is not None
        sar = float(getattr(stream, "sample_aspect_ratio", None) or 1)
        for packet in container.demux(stream):
            try:
                frames = packet.decode()
            except av.FFmpegError:
                continue
            for frame in frames:
                assert isinstance(frame, VideoFrame)
                tags = tags or _tags(frame, sar)
                frame_s = frame.time if frame.time is not None else float((frame.dts or 0) * (frame.time_base or 0))
                while len(found) < len(times_s) and frame_s > times_s[len(found)]:
                    found.append(_upright(before or frame, sar))
                before = frame
            if len(found) == len(times_s):
                break
    missing = len(times_s) - len(found)
    return [*found, *[_upright(before, sar) if before else None] * missing], tags


def _upright(frame: VideoFrame, sar: float) -> Image.Image:
    picture = Image.fromarray(frame.to_ndarray(format="rgb24"))
    picture = picture.resize((max(1, round(picture.width * sar)), picture.height))
    return picture.rotate(frame.rotation, expand=True)


def _tags(frame: VideoFrame, sar: float) -> str:
    pixels = f" (pixels {sar:.3g}:1)" if sar != 1 else ""
    matrix = MATRICES.get(frame.colorspace, "untagged")
    curve = CURVES.get(frame.color_trc, "untagged")
    turned = f", turned {frame.rotation}°" if frame.rotation else ""
    ranged = "full" if frame.color_range == 2 or frame.format.name.startswith("yuvj") else "limited"
    return f"{frame.width}×{frame.height}{pixels} {frame.format.name} {matrix}/{curve} {ranged}{turned}"


def draw(found: list[Look]) -> Image.Image:
    """Return the sheet: a row for each reel, three times the source beside the reel."""
    row_px = CELL[1] + TEXT_PX + 2 * GAP
    sheet = Image.new("RGB", (WIDTH, 2 * MARGIN + row_px * len(found)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, look in enumerate(found):
        top = MARGIN + number * row_px
        for pair, pictures in enumerate(look.pairs):
            for side, picture in enumerate(pictures):
                left = MARGIN + pair * (2 * CELL[0] + 3 * GAP) + side * (CELL[0] + GAP)
                pen.rectangle((left, top, left + CELL[0], top + CELL[1]), outline=FRAME)
                if picture is not None:
                    _paste(sheet, picture, (left, top))
        pen.text((MARGIN, top + CELL[1] + 4), f"{look.name}, {look.mode}", INK, typeface(14, is_bold=True))
        tags = f"source (left) {look.source_tags}   reel (right) {look.reel_tags}"
        pen.text((MARGIN, top + CELL[1] + 22), tags, SOFT, typeface(13))
    return sheet


def _paste(sheet: Image.Image, picture: Image.Image, at: tuple[int, int]) -> None:
    scale = min(CELL[0] / picture.width, CELL[1] / picture.height)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    resized = picture.resize(size, Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.NEAREST)
    sheet.paste(resized, (at[0] + (CELL[0] - size[0]) // 2, at[1] + (CELL[1] - size[1]) // 2))


def main(out: Path, names: list[str]) -> None:
    """Write the sheet of these files, of all when none is named."""
    expected = json.loads((ROOT / "tests" / "odd_expected.json").read_text())
    found: list[Look] = []
    for name in names or sorted(each for each, said in expected.items() if said["outcome"] != "error"):
        with tempfile.TemporaryDirectory(prefix="montage-odd-") as folder:
            try:
                found += looks(ODD / name, Path(folder))
            except BadVideo as error:
                print(f"{error.code}: {error.message}")
    draw(found).save(out, optimize=True)
    print(f"{len(found)} reels in {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
