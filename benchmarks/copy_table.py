"""Which files can be copied instead of encoded, and why the others cannot: `python -m benchmarks.copy_table [FOLDER]`.

One JSON line for each file that can be read at all, then one with the counts. A file qualifies when its picture can be
cut at keyframes without being encoded again; whether a certain reel is copied also depends on keyframes near its clips,
so the longest stretch between two of them is told as well.
"""

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from shared.domain.video import Video
from shared.errors import BadVideo
from shared.media.copy_points import copy_points
from shared.media.probe import probe_media
from shared.media.stream_copy import why_not_copy

MEDIA = Path(os.environ.get("MONTAGE_MEDIA") or Path(__file__).parents[2] / "shared" / "media")
NO_MEDIA = (".md", ".json", ".txt", ".enc")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One file."""

    file: str
    why_not: str | None
    """None for a file that qualifies."""
    keyframes: int
    longest_gop_s: float | None
    """From one keyframe a clip may begin at to the next or the end; None where there is none."""


def copy_table(folder: Path) -> Iterator[Row]:
    """Yield a row for each readable file below the folder, in order of name; files that cannot be read have none."""
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and each.suffix not in NO_MEDIA):
        row = _row(path, str(path.relative_to(folder)))
        if row is not None:
            yield row


def _row(path: Path, name: str) -> Row | None:
    with path.open("rb") as file:
        try:
            media = probe_media(file, name=name)
        except BadVideo:
            return None
        why_not = why_not_copy(media) if isinstance(media, Video) else "it has no picture"
        if why_not is not None or not isinstance(media, Video):
            return Row(file=name, why_not=why_not, keyframes=0, longest_gop_s=None)
        points = copy_points(file, media, name=name)
    gops_s = [b - a for a, b in pairwise((*points.keyframes_s, media.duration_s))]
    return Row(
        file=name,
        why_not=points.why_not or (None if gops_s else "no keyframe begins a closed group of pictures"),
        keyframes=len(points.keyframes_s),
        longest_gop_s=round(max(gops_s), 3) if gops_s else None,
    )


def main() -> None:
    """Print the table of the folder named on the command line, of the development files without one."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else MEDIA
    rows = list(copy_table(folder))
    for row in rows:
        print(json.dumps(asdict(row)))
    print(json.dumps({"readable": len(rows), "qualify": sum(row.why_not is None for row in rows)}))


if __name__ == "__main__":
    main()
