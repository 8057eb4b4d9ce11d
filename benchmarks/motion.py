"""How fast, how exactly and in how much memory movement is found, beside the common way and beside plain decoding.

    python -m benchmarks.motion [--pairs 5] [--without-common] [--counted] [--only 720p] [--scratch FOLDER]

Recordings are those of MONTAGE_MEDIA, or `shared/media` beside the checkout. Three ways look through the recorded
session (720p, and scaled to 1080p): the common one (benchmarks/motion_tracked.py), plain decoding of every frame by
PyAV with all cores, and Montage, the whole source as one chunk and in chunks of a minute. Plain decoding and Montage
also look through two sources that are mostly still: people walking in and out now and then, looped to 20 minutes, and
an empty car park (benchmarks/motion_sources.py). Every turn is a process of its own, warm before the clock starts
(benchmarks/motion_once.py). The ways take turns, so that what else the machine does meets all of them; a ratio is the
median of the ratios within each turn.

Also counted: how well what was found matches what people marked (F1, events met, edges, empty seconds kept, all
unpadded), whether the short clips of movement are found and nothing where nobody is, frames decoded and pose calls,
and the memory that a 4K source takes.

Prints a JSON line for each measurement and a summary line; exits 1 when a bound is missed. `--counted` leaves out what
is timed, and the common way. `--scratch` keeps the sources made for it, which takes minutes, for another time.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.motion_once import Asked, Found, Measured, Way
from benchmarks.motion_sources import (
    SESSION,
    WALKS,
    empty_scene,
    looped,
    made,
    session_1080p,
    session_2160p,
)
from benchmarks.motion_truth import accuracy
from benchmarks.turns import MEDIA, ROOT, answer, missed, ratio, refused, say
from tests.motion_truth import Marked, covered, empty_kept_s, event_recall

PAIRS = 5
SIZES = ("720p", "1080p")
STILL = ("looped", "empty")
CLIP_FOUND = 0.7
"""A clip of nothing but movement counts as found when more than this share of it was."""

LEAST = {
    "speedup_720p": 12.0,
    "speedup_1080p": 12.0,
    "f1_720p": 0.97,
    "f1_1080p": 0.97,
    "walks_recall": 0.9,
}
MOST = {
    "beside_decode_720p": 1.25,
    "beside_decode_1080p": 1.25,
    "still_beside_decode_looped": 1.0,
    "still_beside_decode_empty": 1.0,
    "events_missed_720p": 0.0,
    "events_missed_1080p": 0.0,
    "clips_missed": 0.0,
    "nobody_kept_s": 0.0,
    "peak_mib_2160p": 2048.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One source looked through in one turn."""

    turn: int
    what: str
    way: Way
    wall_s: float
    cpu_s: float
    peak_mib: float
    packets: int
    decoded_frames: int
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What people marked in the short recordings."""

    clips: Mapping[str, Marked]
    """Recordings that are nothing but movement."""
    nobody: tuple[str, ...]
    """Those in which nobody moves."""
    walks: Marked
    """Walks in and out of `WALKS`."""


def main() -> int:
    """Print what was measured and a summary; 1 when a bound is missed, else 0."""
    asked = _words()
    session = MEDIA / SESSION
    if not session.exists():
        return refused(f"no recording {SESSION} in {MEDIA}; MONTAGE_MEDIA names another folder")
    with tempfile.TemporaryDirectory(prefix="montage-bench-") as scratch:
        folder = asked.scratch or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        sources = {what: make() for what, make in _sources(session, folder).items() if what in asked.only}
        figures = _once_each(sources) if asked.counted else _timed(sources, asked)
        figures |= _on_clips(marks(json.loads((MEDIA / "MANIFEST.json").read_text("utf-8"))))
        figures |= _memory(made(folder, "session_2160p.mp4", lambda out: session_2160p(session, out)))
    short = missed_bounds(figures)
    say({"summary": "missed" if short else "held", "cores": os.cpu_count(), **figures, "missed": short})
    return 1 if short else 0


def missed_bounds(figures: Mapping[str, float]) -> list[str]:
    """Return the bounds that were missed, in words; what was not measured misses none."""
    return missed(figures, least=LEAST, most=MOST)


def marks(manifest: Mapping[str, Any]) -> Marks:
    """Return what the recordings' manifest says was marked in the short ones."""
    truths = {each["file"]: each["truth"] for each in manifest["files"] if each["file"].startswith("motion/")}
    moving = {name: truth["motion_intervals"] for name, truth in truths.items() if "motion_intervals" in truth}
    return Marks(
        clips={name: events for name, events in moving.items() if events},
        nobody=tuple(name for name, events in moving.items() if not events),
        walks=truths[WALKS]["locomotion"],
    )


def ways_of(what: str, *, has_common: bool) -> tuple[Way, ...]:
    """Return the ways that take turns on a source."""
    if what in STILL:
        return "decode", "montage"
    chunked: tuple[Way, ...] = ("montage_chunks",) if what == SIZES[0] else ()
    return *(("common",) if has_common else ()), "decode", "montage", *chunked


def ratios(taken: Sequence[Taken]) -> dict[str, float]:
    """Return how many times faster than the common way Montage is, and its times beside plain decoding's."""
    measured = {(each.what, each.way) for each in taken}
    figures: dict[str, float] = {}
    for what in sorted({each.what for each in taken}):
        ours, decode, name = (what, "montage"), (what, "decode"), "still_beside" if what in STILL else "beside"
        if (what, "common") in measured:
            figures[f"speedup_{what}"] = ratio(taken, (what, "common"), ours)
            figures[f"speedup_cpu_{what}"] = ratio(taken, (what, "common"), ours, of="cpu_s")
        figures[f"{name}_decode_{what}"] = ratio(taken, ours, decode)
        figures[f"{name}_decode_cpu_{what}"] = ratio(taken, ours, decode, of="cpu_s")
        if (what, "montage_chunks") in measured:
            figures[f"chunks_{name}_decode_{what}"] = ratio(taken, (what, "montage_chunks"), decode)
    return figures


def _words() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument(
        "--pairs", type=int, default=PAIRS, help=f"turns of each kind ({PAIRS}); fewer to try things out"
    )
    words.add_argument("--without-common", action="store_true", help="leave out the common way, the longest by far")
    words.add_argument("--counted", action="store_true", help="only what does not depend on the machine's speed")
    words.add_argument(
        "--only", nargs="*", choices=SIZES + STILL, default=SIZES + STILL, help="only these long sources"
    )
    words.add_argument("--scratch", type=Path, help="a folder for the sources made for it, which stay there")
    return words.parse_args()


def _sources(session: Path, folder: Path) -> dict[str, Callable[[], Path]]:
    return {
        "720p": lambda: session,
        "1080p": lambda: made(folder, "session_1080p.mp4", lambda out: session_1080p(session, out)),
        "looped": lambda: made(folder, "walks_looped.mp4", lambda out: looped(MEDIA / WALKS, out)),
        "empty": lambda: made(folder, "empty_scene.mp4", lambda out: empty_scene(session, out)),
    }


def _timed(sources: Mapping[str, Path], asked: argparse.Namespace) -> dict[str, float]:
    taken: list[Taken] = []
    figures: dict[str, float] = {}
    lengths_s: dict[tuple[str, Way], float] = {}
    for turn in range(asked.pairs):
        for what, source in sources.items():
            for way, measured in _turn(source, ways_of(what, has_common=not asked.without_common), turn):
                taken.append(_taken(turn, what, way, measured))
                say(asdict(taken[-1]))
                if turn == 0:  # it finds the same in every one
                    figures |= _found(what, way, measured)
                    lengths_s[what, way] = measured.duration_s
    return ratios(taken) | figures | _per_minute(taken, lengths_s)


def _per_minute(taken: Sequence[Taken], lengths_s: Mapping[tuple[str, Way], float]) -> dict[str, float]:
    """Return the seconds each way takes for a minute of source, for people."""
    return {
        f"{what}_{way}_s_per_min": round(
            median(each.wall_s for each in taken if (each.what, each.way) == (what, way)) * 60 / length_s, 3
        )
        for (what, way), length_s in lengths_s.items()
    }


def _turn(source: Path, ways: Sequence[Way], turn: int) -> Iterator[tuple[Way, Measured]]:
    """Yield every way once; which comes first changes with the turn."""
    for way in (*ways[turn % len(ways) :], *ways[: turn % len(ways)]):
        yield way, _once(way, source)


def _once_each(sources: Mapping[str, Path]) -> dict[str, float]:
    figures: dict[str, float] = {}
    for what, source in sources.items():
        figures |= _found(what, "montage", _once("montage", source))
    return figures


def _found(what: str, way: Way, measured: Measured) -> dict[str, float]:
    """Return, and print, what one way found in a source and what it looked at for that."""
    found = measured.found
    line: dict[str, Any] = {"packets": found.packets, "decoded_frames": found.decoded_frames, "looks": found.looks}
    figures: dict[str, float] = {}
    if way == "montage":
        figures = {f"{name}_{what}": count for name, count in line.items()}
        figures[f"peak_mib_{what}"] = round(measured.peak_mib)
    if what in SIZES and way in ("montage", "common"):
        spans, rule = _spans(found, measured.duration_s)
        how_well = asdict(accuracy(spans, _session_truth(), duration_s=measured.duration_s))
        line |= how_well | rule
        names = {"f1": "f1", "missed": "events_missed", "edge_median_s": "edge_median_s",
                 "edge_worst_s": "edge_worst_s", "empty_s": "empty_s"}  # fmt: skip
        prefix = "" if way == "montage" else "common_"
        figures |= {f"{prefix}{name}_{what}": how_well[field] for field, name in names.items()}
    if what == "empty":
        line["empty_s"] = figures["empty_s_empty"] = round(empty_kept_s(found.spans, ()), 2)
    if way in ("montage", "common"):
        say({"found": what, "way": way, **line})
    return figures


def _spans(found: Found, duration_s: float) -> tuple[Marked, dict[str, float]]:
    """Return a way's movements, for the common way by the rule that suits the source best, and that rule."""
    if not found.speeds:
        return found.spans, {}
    from benchmarks.motion_tracked import best  # loads OpenCV and MediaPipe: only where the common way was measured

    rule = best(found.speeds, _session_truth(), duration_s=duration_s)
    return rule.spans, {"threshold": round(rule.threshold, 3), "pause_s": rule.pause_s}


def _session_truth() -> Marked:
    marked: Marked = json.loads((MEDIA / SESSION).with_suffix(".intervals.json").read_text("utf-8"))["motion_intervals"]
    return marked


def _on_clips(marked: Marks) -> dict[str, float]:
    """Return how the short recordings came out: clips missed, seconds kept where nobody moves, walks met."""
    clips_missed, nobody_kept_s = 0, 0.0
    for name, events in marked.clips.items():
        spans = _spans_in(name)
        clips_missed += any(covered(event, spans) <= CLIP_FOUND for event in events)
    for name in marked.nobody:
        nobody_kept_s += empty_kept_s(_spans_in(name), ())
    walks = _spans_in(WALKS)
    return {
        "clips_missed": clips_missed,
        "nobody_kept_s": round(nobody_kept_s, 2),
        "walks_recall": round(event_recall(walks, marked.walks), 3),
        "walks_beside_s": round(empty_kept_s(walks, marked.walks), 2),
    }


def _spans_in(name: str) -> Marked:
    measured = _once("montage", MEDIA / name)
    spans = [(round(start, 3), round(end, 3)) for start, end in measured.found.spans]
    say({"clip": name, "duration_s": round(measured.duration_s, 3), "found": spans})
    return spans


def _memory(source: Path) -> dict[str, float]:
    measured = _once("montage", source)
    say({"memory": "2160p", "duration_s": measured.duration_s, "peak_mib": round(measured.peak_mib, 1)})
    return {"peak_mib_2160p": round(measured.peak_mib)}


def _taken(turn: int, what: str, way: Way, measured: Measured) -> Taken:
    return Taken(
        turn=turn,
        what=what,
        way=way,
        wall_s=round(measured.wall_s, 3),
        cpu_s=round(measured.cpu_s, 3),
        peak_mib=round(measured.peak_mib, 1),
        packets=measured.found.packets,
        decoded_frames=measured.found.decoded_frames,
        looks=measured.found.looks,
    )


def _once(way: Way, source: Path) -> Measured:
    asked = Asked(way=way, source=str(source))
    told = answer([sys.executable, "-m", "benchmarks.motion_once", json.dumps(asdict(asked))], cwd=ROOT)
    return Measured(**(told | {"found": Found(**told["found"])}))


if __name__ == "__main__":
    sys.exit(main())
