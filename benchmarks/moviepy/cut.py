"""The same edit list by MoviePy, as its documentation shows it; run by MoviePy's own Python.

    python benchmarks/moviepy/cut.py '{"source": …, "out": …, "spans": [[start_s, end_s], …]}'

Prints how long it took as JSON, from opening the source to the finished file: starting Python and importing MoviePy
is not counted. The processor time is that of MoviePy and of the ffmpeg processes it starts.
"""

import json
import os
import sys
import time

from moviepy import VideoFileClip, concatenate_videoclips  # type: ignore[import-not-found]  # not in Montage's Python


def main() -> None:
    """Cut one reel and print the times."""
    asked = json.loads(sys.argv[1])
    began_at, cpu_before = time.monotonic(), _cpu_s()
    with VideoFileClip(asked["source"]) as source:
        reel = concatenate_videoclips([source.subclipped(start_s, end_s) for start_s, end_s in asked["spans"]])
        reel.write_videofile(asked["out"], logger=None)
    print(json.dumps({"wall_s": time.monotonic() - began_at, "cpu_s": _cpu_s() - cpu_before}))


def _cpu_s() -> float:
    """Return the processor time of this process and of its finished children."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
