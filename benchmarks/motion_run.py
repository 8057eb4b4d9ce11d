"""How long the motion analysis of a long source takes as a whole command, beside plainly decoding the same file.

    python -m benchmarks.motion_run [VIDEO] [--workers 2] [--least-s 1200] [--decodes 3]

The picture of VIDEO (the recorded session when none is named; MONTAGE_MEDIA, or `shared/media` beside the checkout) is
repeated without a change to its stream until it lasts at least `--least-s`, and `montage run --mode motion` makes ten
seconds of reel out of that, with fresh records. Before and after, the picture is decoded from end to end by PyAV,
threads as it chooses, and thrown away; the median is what the analysis is held against, since other work on the machine
meets both.

Prints one JSON line; exits 1 when a bound is missed: the stage without its start-up may take 1.10 × 1.25 of the time
that decoding takes, and the slowest start of a task 3 s.
"""

from __future__ import annotations  # Packet and Stream are generic for the type checker only

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import av
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

ROOT = Path(__file__).parents[1]
MEDIA = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")
SESSION = "raw_session_mixed_720p.mp4"
LEAST_S = 1200.0
WORKERS = 2
DECODES = 3
MOST_BESIDE_DECODING = 1.10 * 1.25
MOST_START_UP_S = 3.0
RUN_TIMEOUT_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one thing took, in s: by the clock, and of all cores together."""

    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed:
    """One `montage run`, beside the median of decoding the same file."""

    source_s: float
    pose_s: float
    pose_start_up_s: float
    pose_start_up_worst_s: float
    decode: Taken
    run: Taken
    """The whole command, the rendering of ten seconds included."""

    @property
    def ratio(self) -> float:
        """The stage without start-up, by plain decoding."""
        return round(self.pose_s / self.decode.wall_s, 3)

    def missed(self) -> list[str]:
        """Return the bounds that were missed, in words."""
        words = []
        if self.ratio > MOST_BESIDE_DECODING:
            words.append(f"pose_s is {self.ratio:g} times plain decoding, at most {MOST_BESIDE_DECODING:g}")
        if self.pose_start_up_worst_s > MOST_START_UP_S:
            words.append(f"a task took {self.pose_start_up_worst_s:g} s to start, at most {MOST_START_UP_S:g}")
        return words


def main() -> int:
    """Print what was measured; 1 when a bound is missed or the run failed, else 0."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("video", nargs="?", type=Path, default=MEDIA / SESSION, metavar="VIDEO")
    words.add_argument("--workers", type=int, default=WORKERS, help=f"tasks at once ({WORKERS})")
    words.add_argument("--least-s", type=float, default=LEAST_S, help=f"length of the source ({LEAST_S:g})")
    words.add_argument("--decodes", type=int, default=DECODES, help=f"plain decodings before, and after ({DECODES})")
    asked = words.parse_args()
    if not asked.video.exists():
        print(f"bench-motion: no recording {asked.video}; MONTAGE_MEDIA names another folder", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="montage-bench-") as folder:
        scratch = Path(folder)
        source = repeated(asked.video, scratch / "long.mp4", least_s=asked.least_s)
        found = analysed(source, scratch, workers=asked.workers, decodes=asked.decodes)
    missed = found.missed()
    measured = {**asdict(found), "ratio": found.ratio, "workers": asked.workers, "cores": os.cpu_count()}
    print(json.dumps({"summary": "missed" if missed else "held", **measured, "missed": missed}))
    return 1 if missed else 0


def analysed(source: Path, scratch: Path, *, workers: int, decodes: int) -> Analysed:
    """Return what the analysis of the source takes, beside decoding it. Raises RuntimeError when the run fails."""
    before = [decoded(source) for _ in range(decodes)]
    told, run = _montage_run(source, scratch, workers=workers)
    decodings = [*before, *(decoded(source) for _ in range(decodes))]
    timings = told["timings"]
    return Analysed(
        source_s=round(told["source_s"], 3),
        pose_s=timings["pose_s"],
        pose_start_up_s=timings["pose_start_up_s"],
        pose_start_up_worst_s=timings["pose_start_up_worst_s"],
        decode=Taken(
            wall_s=round(median(each.wall_s for each in decodings), 3),
            cpu_s=round(median(each.cpu_s for each in decodings), 3),
        ),
        run=run,
    )


def decoded(source: Path) -> Taken:
    """Return what it takes to decode the picture from end to end in this process, on as many threads as PyAV likes."""
    began_s, cpu_began_s = time.monotonic(), time.process_time()
    with av.open(str(source)) as container:
        picture = container.streams.video[0]
        picture.thread_type = "AUTO"
        for _ in container.decode(picture):
            pass
    return Taken(wall_s=round(time.monotonic() - began_s, 3), cpu_s=round(time.process_time() - cpu_began_s, 3))


def repeated(video: Path, path: Path, *, least_s: float) -> Path:
    """Write the video's picture over and over, its stream unchanged, until it lasts so long; return `path`."""
    with av.open(str(video)) as original, av.open(str(path), "w", format="mp4") as target:
        picture = original.streams.video[0]
        copied = target.add_stream_from_template(picture)
        packets = [packet for packet in original.demux(picture) if packet.dts is not None and packet.pts is not None]
        for packet in _over_and_over(packets, least_s=least_s):
            packet.stream = copied
            target.mux(packet)
    return path


def _over_and_over(packets: Sequence[Packet[VideoStream]], *, least_s: float) -> Iterator[Packet[Stream]]:
    first, last = packets[0].dts or 0, max(packets, key=lambda each: each.dts or 0)
    base = packets[0].time_base
    period = (last.dts or 0) + (last.duration or 0) - first
    for number in range(ceil(Fraction(least_s) / (period * base))):
        for each in packets:
            again = Packet(bytes(each))
            again.pts, again.dts = (each.pts or 0) + number * period, (each.dts or 0) + number * period
            again.duration, again.time_base, again.is_keyframe = each.duration, base, each.is_keyframe
            yield again


def _montage_run(source: Path, scratch: Path, *, workers: int) -> tuple[dict[str, Any], Taken]:
    """Return what `montage run --json` tells, and what the command and all its tasks took."""
    command = [sys.executable, "-m", "functions.local.montage", "run", "--json", "--mode", "motion", "--quiet"]
    command += ["--workers", str(workers), "--target-s", "10", "--quality", "draft", "--out", str(scratch / "out")]
    began_s, cpu_began_s = time.monotonic(), _children_cpu_s()
    done = subprocess.run(
        [*command, "--", str(source)],
        cwd=ROOT,
        env={**os.environ, "MONTAGE_HOME": str(scratch / "home")},
        stdout=subprocess.PIPE,
        timeout=RUN_TIMEOUT_S,
        check=False,
    )
    took = Taken(wall_s=round(time.monotonic() - began_s, 3), cpu_s=round(_children_cpu_s() - cpu_began_s, 3))
    if done.returncode != 0:
        raise RuntimeError(f"montage run ended with {done.returncode}: {done.stdout.decode(errors='replace')}")
    return json.loads(done.stdout), took


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main())
