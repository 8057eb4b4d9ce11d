"""What benchmarks share: ways that take turns in processes of their own, the ratios of their times, and bounds."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, Protocol

ROOT = Path(__file__).parents[1]
MEDIA = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")
TURN_TIMEOUT_S = 900.0


class Took(Protocol):
    """What one way took in one turn, its times as attributes."""

    @property
    def turn(self) -> int: ...
    @property
    def what(self) -> str: ...
    @property
    def way(self) -> str: ...


def ratio(taken: Iterable[Took], above: tuple[str, str], below: tuple[str, str], *, of: str = "wall_s") -> float:
    """Return the median over all turns of one time by another within the turn, each given as (what, way)."""
    found = {(each.turn, each.what, each.way): float(getattr(each, of)) for each in taken}
    turns = sorted({turn for turn, what, way in found if (what, way) == above})
    return round(median(found[turn, *above] / found[turn, *below] for turn in turns), 3)


def missed(figures: Mapping[str, float], *, least: Mapping[str, float], most: Mapping[str, float]) -> list[str]:
    """Return the bounds that were missed, in words; what was not measured misses none."""
    short = [
        f"{name} is {figures[name]:g}, at least {bound:g}"
        for name, bound in least.items()
        if figures.get(name, bound) < bound
    ]
    return short + [
        f"{name} is {figures[name]:g}, at most {bound:g}"
        for name, bound in most.items()
        if figures.get(name, bound) > bound
    ]


def answer(command: list[str], *, cwd: Path) -> dict[str, Any]:
    """Return the JSON object that a program prints; what else it says is shown, on standard error, when it fails."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, timeout=TURN_TIMEOUT_S, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        done.check_returncode()
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def say(line: Mapping[str, Any]) -> None:
    """Print a line of results, at once."""
    print(json.dumps(line), flush=True)


def refused(sentence: str) -> int:
    """Say why nothing is measured and return the exit code for it."""
    print(f"{sentence}.", file=sys.stderr)
    return 1
