"""What a task holds in memory while it looks through a large source."""

import json
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest

from benchmarks.motion_sources import looped

MOST_MIB = 2048
RECORDED_S = 5.0  # is scaled, and repeated
SECONDS = 20.0  # two units, with moving people in every picture


@pytest.mark.slow
def test_a_4k_source_full_of_movement_takes_less_than_two_gib(
    tmp_path: Path, media_file: Callable[[str], Path]
) -> None:
    source = tmp_path / "4k.mp4"
    looped(in_4k(media_file("motion/juggle_720p.mp4"), tmp_path / "once.mp4"), source, seconds=SECONDS)
    asked = {"way": "montage_chunks", "source": str(source)}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.motion_once", json.dumps(asked)], capture_output=True, check=True, timeout=90
    )
    measured = json.loads(done.stdout.splitlines()[-1])
    print(f"{measured['peak_mib']:.0f} MiB, {measured['found']['decoded_frames']} frames")
    assert measured["found"]["spans"], "a quiet source would prove nothing"
    assert measured["peak_mib"] < MOST_MIB


def in_4k(source: Path, out: Path) -> Path:
    """Write every second picture of a recording's beginning scaled to 3840 × 2160; return where."""
    with av.open(str(source)) as there, av.open(str(out), "w") as output:
        stream = output.add_stream("libx264", rate=12, options={"preset": "ultrafast", "crf": "28"})
        stream.width, stream.height, stream.pix_fmt = 3840, 2160, "yuv420p"
        there.streams.video[0].thread_type = "AUTO"
        for number, frame in enumerate(there.decode(video=0)):
            if (frame.time or 0) >= RECORDED_S:
                break
            if number % 2 == 0:
                large = frame.reformat(width=3840, height=2160, format="yuv420p")
                large.pts, large.time_base = number // 2, Fraction(1, 12)
                output.mux(stream.encode(large))
        output.mux(stream.encode(None))
    return out
