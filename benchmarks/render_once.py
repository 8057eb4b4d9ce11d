"""One reel in a process of its own, measured from opening the source to the finished file.

    python -m benchmarks.render_once '{"way": "montage", "source": …, "out": …, "spans": [[start_s, end_s], …]}'

Starting Python and importing libraries is not counted, for nobody: a user pays it once. Prints the times, the size and
the peak of memory as JSON.
"""

import json
import resource
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal

from av.container import OutputContainer
from av.video.stream import VideoStream

from benchmarks.render_bare import bare_reel
from shared.domain.edit_list import Clip, EditList, Join
from shared.domain.span import span
from shared.domain.video import Video
from shared.media.encoder import EncodeSettings, add_picture, encode_settings
from shared.media.probe import probe
from shared.media.render import render_reel

STATUS = Path("/proc/self/status")
MIB_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What reel to make, and how."""

    way: Literal["montage", "bare"]
    source: str
    out: str
    spans: tuple[tuple[float, float], ...]
    render: Literal["encode", "copy"] = "encode"
    has_sound: bool = True
    crossfade_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one reel took."""

    wall_s: float
    cpu_s: float
    size_bytes: int
    peak_mib: float
    """Of the whole process."""
    half_mib: float
    """The peak when half of the reel was done; 0 where nothing tells."""


@dataclass(slots=True)
class Halfway:
    """Looks at the memory once, when half of the reel is done."""

    peak_mib: float = field(default=0.0)

    def __call__(self, done: float) -> None:
        if done >= 0.5 and not self.peak_mib:
            self.peak_mib = peak_mib()


def main() -> None:
    """Make the reel and print what it took."""
    print(json.dumps(asdict(measured(Asked(**json.loads(sys.argv[1]))))))


def measured(asked: Asked) -> Measured:
    """Make the reel and return what it took."""
    halfway = Halfway()
    began_at, cpu_before = time.monotonic(), time.process_time()
    (_bare if asked.way == "bare" else _montage)(asked, halfway)
    wall_s, cpu_s = time.monotonic() - began_at, time.process_time() - cpu_before
    size_bytes = Path(asked.out).stat().st_size
    return Measured(wall_s=wall_s, cpu_s=cpu_s, size_bytes=size_bytes, peak_mib=peak_mib(), half_mib=halfway.peak_mib)


def standard() -> EncodeSettings:
    """Return the settings of the standard quality."""
    return encode_settings("standard", encoder_threads=2)


def _montage(asked: Asked, halfway: Halfway) -> None:
    """Render as the pipeline does, the source looked at included."""
    clips = tuple(Clip(wanted=span(*each), actual=span(*each), score=1.0, reasons=()) for each in asked.spans)
    join = Join(kind="crossfade", duration_s=asked.crossfade_s) if asked.crossfade_s else Join()
    edit_list = EditList(render=asked.render, clips=clips, join=join)
    with Path(asked.source).open("rb") as file:
        video = probe(file, name="the source")
        video = video if asked.has_sound else replace(video, audio=())
        render_reel(file, video, edit_list, Path(asked.out), settings=standard(), on_progress=halfway)


def _bare(asked: Asked, _: Halfway) -> None:
    """Encode in a plain loop, with the very settings Montage gives to the encoder."""
    video = _probed(asked.source)

    def add(output: OutputContainer) -> VideoStream:
        stream = add_picture(output, video, video.fps, standard())
        stream.codec_context.thread_count = standard().encoder_threads
        return stream

    bare_reel(
        Path(asked.source),
        asked.spans,
        Path(asked.out),
        add,
        has_sound=asked.has_sound,
    )


def _probed(source: str) -> Video:
    with Path(source).open("rb") as file:
        return probe(file, name="the source")


def peak_mib() -> float:
    """Return the most memory this process has held so far (RSS), in MiB."""
    if not STATUS.exists():  # not Linux: what follows counts bytes there, and may count the parent's
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB_BYTES
    line = next(line for line in STATUS.read_text("utf-8").splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
