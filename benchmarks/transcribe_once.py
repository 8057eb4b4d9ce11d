"""Recordings written down in one way, one after the other, in a process of its own.

    python -m benchmarks.transcribe_once '{"way": "montage", "sources": [ … ]}'

Before the clock of a recording starts: Python is there, the model and its runtime are loaded (which is timed by itself)
and the recording has been read through once, so that no disk is measured. Nothing is warmed up beyond that: what is
done for the first time counts with the first recording, in either way. Both have as many threads. Prints
what each recording took, and the text, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.render_once import peak_mib
from shared.domain.options import Options
from shared.domain.stage_plan import plan_stages
from shared.domain.units import ChunkPlan
from shared.domain.video import Media
from shared.media.probe import probe_media
from shared.media.speech_sound import speech_track
from shared.models.fetch import ensure
from shared.pipeline.transcribe import SpeechPart, find_language, join_parts, transcribe_chunk
from shared.settings import Settings

if TYPE_CHECKING:  # loads a model runtime, and is timed
    from shared.ports import SpeechRecognizer

Way = Literal["usual", "montage"]
MODEL = "whisper_base"
THREADS = 2
MAX_TASKS = 200
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to write down, and how."""

    way: Way
    sources: Sequence[str]
    threads: int = THREADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One recording written down."""

    duration_s: float
    """Of the recording."""
    wall_s: float
    cpu_s: float
    """User and system time of the process, all threads."""
    text: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one way took."""

    load_s: float
    """Until the model and its runtime were there."""
    load_cpu_s: float
    peak_mib: float
    """Of the whole process, its start included."""
    written: tuple[Written, ...]
    """In the order asked for."""


Heard = tuple[str, str | None]
"""The text and its language."""


def main() -> None:
    """Write the recordings down and print what it took."""
    asked = Asked(**json.loads(sys.argv[1]))
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)  # the library's own choice is four where there are as many cores
    print(json.dumps(asdict(measured(asked))))


def measured(asked: Asked) -> Measured:
    """Write the recordings down and return what it took."""
    model = ensure(MODEL, cache_dir=Settings().models)
    began_at, cpu_before = time.monotonic(), time.process_time()
    write_down = by_montage(model, threads=asked.threads) if asked.way == "montage" else as_usual(model)
    load_s, load_cpu_s = time.monotonic() - began_at, time.process_time() - cpu_before
    written = tuple(_written(Path(source), write_down) for source in asked.sources)
    return Measured(load_s=load_s, load_cpu_s=load_cpu_s, peak_mib=peak_mib(), written=written)


def as_usual(model: Path) -> Callable[[Path], Heard]:
    """Load the model as most programs do and return what writes a recording down: everything by default."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(model))

    def write_down(source: Path) -> Heard:
        segments, told = whisper.transcribe(str(source))
        return "".join(segment.text for segment in segments), str(told.language)

    return write_down


def by_montage(model: Path, *, threads: int) -> Callable[[Path], Heard]:
    """Load the model as a task does and return what writes a recording down: probing it, chunks, units, joining."""
    from jobs.transcribe.recognizer import WhisperRecognizer

    recognizer = WhisperRecognizer(model, model_version="measured", threads=threads)
    recognizer.load()

    def write_down(source: Path) -> Heard:
        transcript = join_parts(parts(source, recognizer, chunk_s=Options().chunk_s)).transcript
        return " ".join(word.text for word in transcript.words), transcript.language

    return write_down


def parts(source: Path, recognizer: "SpeechRecognizer", *, chunk_s: float) -> list[SpeechPart]:
    """Return what the stage's tasks hear in a file's chunks when they run one after the other.

    Raises BadVideo when the file cannot be read, ValueError when it has no sound.
    """
    with source.open("rb") as file:
        media = probe_media(file, name=source.name)
        track = speech_track(file, media, name=source.name)
        if track is None:
            raise ValueError(f"{source.name} has no sound")
        plan = plan_of(media, chunk_s=chunk_s)
        language = find_language(
            file, track, plan=plan, duration_s=media.duration_s, recognizer=recognizer, name=source.name
        )
        return [
            transcribe_chunk(
                file,
                track,
                plan=plan,
                chunk=chunk,
                duration_s=media.duration_s,
                language=language,
                recognizer=recognizer,
                name=source.name,
                on_progress=lambda _: None,
            )
            for chunk in range(plan.chunks)
        ]


def plan_of(media: Media, *, chunk_s: float) -> ChunkPlan:
    """Return how the stage shares a source's units out, as for a real job."""
    return plan_stages(media, Options(mode="speech", chunk_s=chunk_s), max_tasks=MAX_TASKS)["transcribe"]


def _written(source: Path, write_down: Callable[[Path], Heard]) -> Written:
    _read_through(source)
    with source.open("rb") as file:
        duration_s = probe_media(file, name=source.name).duration_s
    began_at, cpu_before = time.monotonic(), time.process_time()
    text, language = write_down(source)
    wall_s, cpu_s = time.monotonic() - began_at, time.process_time() - cpu_before
    return Written(duration_s=duration_s, wall_s=wall_s, cpu_s=cpu_s, text=text, language=language)


def _read_through(source: Path) -> None:
    with source.open("rb") as file:
        while file.read(BLOCK_BYTES):
            pass


if __name__ == "__main__":
    main()
