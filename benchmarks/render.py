"""How fast, how like its source, how large and in how much memory a reel is rendered, beside other ways to render it.

    python -m benchmarks.render [--pairs 5] [--events 7] [--moviepy .venv-bench/bin/python] [--counted]

The recorded session (MONTAGE_MEDIA, or `shared/media` beside the checkout) is cut into its seven movements, padded as
`montage run` pads them: by MoviePy,
by a plain loop over PyAV with the same encoder settings, and by Montage; and once more from a copy of it that has a
keyframe every second, as a copied stream needs. Every reel is made in a process of its own, and its time goes from
opening the source to the finished file, probing included; starting Python and importing libraries is not counted for
anybody. The ways take turns, so that what else the machine does meets all of them; a ratio is the median of the ratios
within each turn.

Also counted: how like the source the reels are (benchmarks/render_likeness.py says how), how much memory a reel of
1080p and of 4K takes, with hard cuts and with a cross-fade, and how many recordings can be stream-copied.

Prints a JSON line for each measurement and a summary line; exits 1 when a bound is missed. `--counted` leaves out what
is timed, and needs no MoviePy.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.render_likeness import Likeness, likeness
from benchmarks.render_once import Asked, Measured
from benchmarks.render_sources import SESSION, Spans, events, keyframe_every_second, scaled, whole_seconds
from benchmarks.turns import MEDIA, ROOT, answer, missed, ratio, refused, say
from shared.errors import BadVideo
from shared.media.probe import probe
from shared.media.stream_copy import why_not_copy

MOVIEPY = ROOT / ".venv-bench" / "bin" / "python"
PAIRS = 5
NOT_MEDIA = (".json", ".md", ".txt", ".rttm", ".stm", ".enc")

LEAST = {"encode_speedup": 2.2, "copy_speedup": 15.0, "copied_picture_speedup": 200.0, "ssim_ahead": 0.0}
MOST = {
    "encode_beside_bare": 1.15,
    "size_beside_moviepy": 1.1,
    "peak_mib_1080p": 1024.0,
    "peak_mib_1080p_crossfade": 1024.0,
    "peak_mib_2160p": 2048.0,
    "peak_mib_2160p_crossfade": 2048.0,
    "second_half_mib_growth": 1.1,
}
"""Memory that still grows in the second half of a reel would go on growing in a longer one."""
SIZES = {"1080p": (1080, 8.0), "2160p": (2160, 6.0)}
"""Height, and how many seconds of it: the encoder has filled its queues before half of them are done."""
CROSSFADES_S = {"": 0.0, "_crossfade": 1.0}
"""A cross-fade needs the pictures of two clips at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One reel of one turn."""

    turn: int
    what: str
    way: str
    wall_s: float
    cpu_s: float
    size_bytes: int


def main() -> int:
    """Print what was measured and a summary; 1 when a bound is missed, else 0."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"turns of each kind ({PAIRS}); fewer to try things out"
    )
    words.add_argument("--events", type=int, help="only so many of the session's movements, to try things out")
    words.add_argument("--moviepy", type=Path, default=MOVIEPY, help="the Python that has MoviePy")
    words.add_argument("--counted", action="store_true", help="only what does not depend on the machine's speed")
    asked = words.parse_args()
    session = MEDIA / SESSION
    if not session.exists():
        return refused(f"no recording {SESSION} in {MEDIA}; MONTAGE_MEDIA names another folder")
    if not asked.counted and not asked.moviepy.exists():
        return refused(f"no Python with MoviePy at {asked.moviepy}; `make bench-render` makes it")
    with tempfile.TemporaryDirectory(prefix="montage-bench-") as scratch:
        figures = {} if asked.counted else _timed(session, Path(scratch), asked)
        figures |= _memory(session, Path(scratch))
    figures |= _copyable()
    short = missed_bounds(figures)
    say({"summary": "missed" if short else "held", "cores": os.cpu_count(), **figures, "missed": short})
    return 1 if short else 0


def missed_bounds(figures: dict[str, float]) -> list[str]:
    """Return the bounds that were missed, in words; what was not measured misses none."""
    return missed(figures, least=LEAST, most=MOST)


def _timed(session: Path, scratch: Path, asked: argparse.Namespace) -> dict[str, float]:
    moviepy, spans = asked.moviepy.absolute(), events(session)[: asked.events]
    encoded = _Turns(source=session, spans=spans, what="encode", scratch=scratch, moviepy=moviepy)
    keyed = scratch / "keyframe_every_second.mp4"
    spans = whole_seconds(spans)
    keyframe_every_second(session, keyed, seconds=spans[-1][1])
    copied = _Turns(source=keyed, spans=spans, what="copy", scratch=scratch, moviepy=moviepy)
    taken: list[Taken] = []
    for turn in range(asked.pairs):
        for each in (*encoded.take(turn), *copied.take(turn)):
            taken.append(each)
            say(asdict(each))
    like = {way: likeness(session, encoded.spans, encoded.reel(way)) for way in ("moviepy", "bare", "montage")}
    for way, each_like in like.items():
        say({"likeness": way, **{name: round(value, 5) for name, value in asdict(each_like).items()}})
    return _ratios(taken, like) | _per_minute(taken, encoded.seconds, copied.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turns:
    """The ways that make the same reel one after the other."""

    source: Path
    spans: Spans
    what: str
    scratch: Path
    moviepy: Path

    @property
    def seconds(self) -> float:
        return sum(end_s - start_s for start_s, end_s in self.spans)

    def reel(self, way: str) -> Path:
        return self.scratch / f"{self.what}_{way}.mp4"

    def take(self, turn: int) -> Iterator[Taken]:
        """Yield one turn: every way once; which comes first changes with the turn."""
        ways = ["moviepy", "montage", "montage_picture"] + ["bare", "bare_picture"] * (self.what == "encode")
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            found = self._by_moviepy() if way == "moviepy" else _once(self._asked(way))
            wall_s, cpu_s = round(found["wall_s"], 3), round(found["cpu_s"], 3)
            size_bytes = self.reel(way).stat().st_size
            yield Taken(turn=turn, what=self.what, way=way, wall_s=wall_s, cpu_s=cpu_s, size_bytes=size_bytes)

    def _asked(self, way: str) -> Asked:
        return Asked(
            way="bare" if way.startswith("bare") else "montage",
            source=str(self.source),
            out=str(self.reel(way)),
            spans=self.spans,
            render="copy" if self.what == "copy" else "encode",
            has_sound=not way.endswith("_picture"),
        )

    def _by_moviepy(self) -> dict[str, float]:
        asked = {"source": str(self.source), "out": str(self.reel("moviepy")), "spans": self.spans}
        program = ROOT / "benchmarks" / "moviepy" / "cut.py"
        return answer([str(self.moviepy), str(program), json.dumps(asked)], cwd=self.scratch)


def _ratios(taken: Sequence[Taken], like: dict[str, Likeness]) -> dict[str, float]:
    sizes = {(each.what, each.way): each.size_bytes for each in taken}
    ours, bare, theirs = ("encode", "montage"), ("encode", "bare"), ("encode", "moviepy")
    return {
        "encode_speedup": ratio(taken, theirs, ours),
        "encode_speedup_cpu": ratio(taken, theirs, ours, of="cpu_s"),
        "ssim_ahead": round(like["montage"].ssim - like["moviepy"].ssim, 5),
        "size_beside_moviepy": round(sizes[ours] / sizes[theirs], 3),
        "copy_speedup": ratio(taken, ("copy", "moviepy"), ("copy", "montage")),
        "copied_picture_speedup": ratio(taken, ("copy", "moviepy"), ("copy", "montage_picture")),
        "encode_beside_bare": ratio(taken, ours, bare),
        "encode_beside_bare_cpu": ratio(taken, ours, bare, of="cpu_s"),
        "picture_beside_bare": ratio(taken, ("encode", "montage_picture"), ("encode", "bare_picture")),
        "picture_beside_bare_cpu": ratio(taken, ("encode", "montage_picture"), ("encode", "bare_picture"), of="cpu_s"),
    }


def _per_minute(taken: Sequence[Taken], encoded_s: float, copied_s: float) -> dict[str, float]:
    """Return the seconds each way takes for a minute of reel, for people."""
    rows = [("encode", way, encoded_s) for way in ("moviepy", "bare", "montage")]
    rows += [("copy", way, copied_s) for way in ("moviepy", "montage", "montage_picture")]
    return {
        f"{what}_{way}_s_per_min": round(
            median(each.wall_s for each in taken if (each.what, each.way) == (what, way)) * 60 / reel_s, 3
        )
        for what, way, reel_s in rows
    }


def _memory(session: Path, scratch: Path) -> dict[str, float]:
    figures: dict[str, float] = {}
    growths: list[float] = []
    for name, (height, seconds) in SIZES.items():
        source = scratch / f"{name}.mp4"
        scaled(session, source, height=height, seconds=seconds)
        halves = ((0.0, seconds / 2), (seconds / 2, seconds)) * 3  # long enough for two encoders at once
        for kind, crossfade_s in CROSSFADES_S.items():
            asked = Asked(
                way="montage",
                source=str(source),
                out=str(scratch / "memory.mp4"),
                spans=halves,
                crossfade_s=crossfade_s,
            )
            found = Measured(**_once(asked))
            say({"memory": f"{name}{kind}", "seconds": seconds, **asdict(found)})
            figures[f"peak_mib_{name}{kind}"] = round(found.peak_mib)
            if not crossfade_s:
                growths.append(found.peak_mib / found.half_mib)
    return figures | {"second_half_mib_growth": round(max(growths), 3)}


def _copyable() -> dict[str, float]:
    """Return how many recordings there are whose picture can be read, and how many of them can be stream-copied."""
    reasons = {path: _why_not(path) for path in sorted(MEDIA.rglob("*")) if _is_media(path)}
    readable = {path: reason for path, reason in reasons.items() if reason != "unreadable"}
    for path, reason in readable.items():
        say({"recording": str(path.relative_to(MEDIA)), "why_not_copied": reason})
    return {"recordings": len(readable), "copyable": sum(1 for reason in readable.values() if reason is None)}


def _is_media(path: Path) -> bool:
    return path.is_file() and path.suffix not in NOT_MEDIA


def _why_not(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return why_not_copy(probe(file, name=path.name))
    except BadVideo:
        return "unreadable"


def _once(asked: Asked) -> dict[str, Any]:
    return answer([sys.executable, "-m", "benchmarks.render_once", json.dumps(asdict(asked))], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
