"""A render in a process of its own, to be measured or killed.

`python -m tests.render_child SOURCE OUT encode|copy CLIPS` prints what it took as one JSON line and, on the error
stream, which share is done.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

from shared.domain.edit_list import EditList
from shared.domain.span import span
from shared.media.probe import probe
from shared.media.render import render_reel
from shared.media.sound import SoundSettings
from tests.sync_matrix import QUICK, Mode, plan

SOUND: dict[Mode, SoundSettings] = {
    "encode": SoundSettings(),
    "copy": SoundSettings(loudness="keep"),  # as it is measured for the other; so this takes a third of the time
}


def edit_list(path: Path, mode: Mode, clips: int, *, duration_s: float) -> EditList:
    """Return so many clips of 0.8 s, evenly over the source, the last one near its end."""
    step_s = (duration_s - 4.0) / clips
    return plan(path, mode, [span(1.03 + n * step_s, 1.83 + n * step_s) for n in range(clips)])


def peak_kib() -> int:
    """Return the most memory this program held; getrusage would count what its parent held when it started this."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))


def main(source: Path, reel: Path, mode: Mode, clips: int) -> None:
    """Render and tell the peak of memory, of open files, and the time."""
    handles: list[int] = []

    def tell(share: float) -> None:
        if share * 20 > len(handles):
            handles.append(len(os.listdir("/proc/self/fd")))
            print(f"{share:.3f}", file=sys.stderr, flush=True)

    with source.open("rb") as file:
        video = probe(file, name=source.name)
        edit = edit_list(source, mode, clips, duration_s=video.duration_s)
        began_at = time.monotonic()
        render_reel(file, video, edit, reel, settings=QUICK, sound=SOUND[mode], on_progress=tell, name=source.name)
    took = {
        "peak_kib": peak_kib(),
        "handles": max(handles),
        "elapsed_s": round(time.monotonic() - began_at, 2),
        "clips": len(edit.clips),
    }
    print(json.dumps(took))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), "copy" if sys.argv[3] == "copy" else "encode", int(sys.argv[4]))
