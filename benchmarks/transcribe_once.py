"""Recordings written down in one way, one after the other, in a process of its own.

    python -m benchmarks.transcribe_once '{"way": "montage", "sources": [ … ]}'

Before the clock of a recording starts: Python is there, the models and their runtime are loaded (which is timed by
itself) and the recording has been read through once, so that no disk is measured. Nothing is warmed up beyond that:
what is done for the first time counts with the first recording, in either way. Both have as many threads: the usual way
in one process, Montage as on one machine in as many processes of one thread, each of which takes a chunk after the
other. Prints what each recording took, and the text, as JSON.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from queue import LifoQueue
from typing import TYPE_CHECKING, BinaryIO, Literal, TypeVar

from benchmarks.render_once import peak_mib
from shared.domain.options import Options
from shared.domain.stage_plan import plan_stages
from shared.domain.transcript import Transcript
from shared.domain.units import ChunkPlan
from shared.domain.video import Media
from shared.media.probe import probe_media
from shared.media.speech_sound import SoundTrack, speech_track
from shared.models.fetch import ensure
from shared.pipeline.transcribe import SpeechPart, find_language, join_parts, transcribe_chunk
from shared.settings import Settings

if TYPE_CHECKING:  # loads a model runtime, and is timed
    from shared.ports import SpeechRecognizer

Way = Literal["usual", "montage"]
Answer = TypeVar("Answer")
MODEL = "whisper_base"
THREADS = 2
MAX_TASKS = 200
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to write down, and how."""

    way: Way
    sources: Sequence[str]
    """Written down one after the other."""
    at_once: Sequence[str] = ()
    """Of these, what is then handed over at once; the usual way takes one after the other whatever it is given."""
    threads: int = THREADS


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One recording written down."""

    duration_s: float
    """Of the recording."""
    wall_s: float
    cpu_s: float
    """User and system time of the processes, all threads."""
    text: str
    language: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one way took."""

    load_s: float
    """Until the models and their runtime were there, of Montage with the start of its processes."""
    peak_mib: float
    """Of the process that held most, its start included."""
    written: tuple[Written, ...]
    """In the order asked for."""
    at_once: Written
    """What was handed over at once, as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a way makes of a recording."""

    text: str
    language: str | None
    cpu_s: float


def main() -> None:
    """Write the recordings down and print what it took."""
    asked = Asked(**json.loads(sys.argv[1]))
    print(json.dumps(asdict(measured(asked))))


def measured(asked: Asked) -> Measured:
    """Write the recordings down and return what it took."""
    model = ensure(MODEL, cache_dir=Settings().models)
    began_at = time.monotonic()
    if asked.way == "usual":
        # The library's own choice is four where there are as many cores.
        os.environ["OMP_NUM_THREADS"] = str(asked.threads)
        write_down = as_usual(model)
        load_s = time.monotonic() - began_at
        written = tuple(_written(Path(source), write_down) for source in asked.sources)
        again = [one for one, source in zip(written, asked.sources, strict=True) if source in asked.at_once]
        return Measured(load_s=load_s, peak_mib=peak_mib(), written=written, at_once=_as_one(again))
    with Tasks(model, threads=asked.threads) as tasks:
        load_s = time.monotonic() - began_at
        written = tuple(_written(Path(source), tasks.write_down) for source in asked.sources)
        at_once = tasks.write_down_all([Path(source) for source in asked.at_once])
        return Measured(load_s=load_s, peak_mib=tasks.peak_mib(), written=written, at_once=at_once)


def as_usual(model: Path) -> Callable[[Path], Heard]:
    """Load the model as most programs do and return what writes a recording down: everything by default."""
    from faster_whisper import WhisperModel

    whisper = WhisperModel(str(model))

    def write_down(source: Path) -> Heard:
        cpu_before_s = time.process_time()
        segments, told = whisper.transcribe(str(source))
        text = "".join(segment.text for segment in segments)
        return Heard(text=text, language=str(told.language), cpu_s=time.process_time() - cpu_before_s)

    return write_down


class Tasks:
    """As many processes as there are threads, each with the models loaded, as the tasks of one machine."""

    def __init__(self, model: Path, *, threads: int) -> None:
        self._tasks = [
            ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_load, initargs=(model,))
            for _ in range(threads)
        ]
        self._idle: LifoQueue[ProcessPoolExecutor] = LifoQueue()  # who found the language goes on with what it heard
        for each in self._tasks:
            self._idle.put(each)
        self._cpu_s()  # waits until they have loaded everything

    def __enter__(self) -> "Tasks":
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._tasks:
            each.shutdown()

    def peak_mib(self) -> float:
        """Return how much memory the process held that held most."""
        return max(each.submit(peak_mib).result() for each in self._tasks)

    def write_down(self, source: Path) -> Heard:
        """Return what is said in a recording."""
        cpu_before_s = self._cpu_s()
        transcript = self._transcript(source)
        return Heard(text=_text(transcript), language=transcript.language, cpu_s=self._cpu_s() - cpu_before_s)

    def _transcript(self, source: Path) -> Transcript:
        """Return a recording's transcript: probed, cut into chunks, each heard by the next idle process, joined."""
        with source.open("rb") as file:
            plan = plan_of(probe_media(file, name=source.name), chunk_s=Options().chunk_s)
        language = self._by_next(_language, source)
        with ThreadPoolExecutor(len(self._tasks)) as in_turn:
            parts = in_turn.map(lambda chunk: self._by_next(_part, source, chunk, language), range(plan.chunks))
            return join_parts(parts).transcript

    def write_down_all(self, sources: Sequence[Path]) -> Written:
        """Return what is said in several recordings whose tasks run side by side, in their order."""
        began_at, cpu_before_s = time.monotonic(), self._cpu_s()
        with ThreadPoolExecutor(max(1, len(sources))) as jobs:
            text = " ".join(map(_text, jobs.map(self._transcript, sources)))
        return Written(
            duration_s=sum(map(_duration_s, sources)),
            wall_s=time.monotonic() - began_at,
            cpu_s=self._cpu_s() - cpu_before_s,
            text=text,
            language=None,
        )

    def _by_next(self, work: Callable[..., Answer], *given: object) -> Answer:
        """Return what the next idle process makes of it."""
        task = self._idle.get()
        try:
            return task.submit(work, *given).result()
        finally:
            self._idle.put(task)

    def _cpu_s(self) -> float:
        asked = [each.submit(time.process_time) for each in self._tasks]
        return time.process_time() + sum(each.result() for each in asked)


_recognizer: "SpeechRecognizer"  # of a task's process


def _load(model: Path) -> None:
    global _recognizer
    from jobs.transcribe.recognizer import WhisperRecognizer

    recognizer = WhisperRecognizer(model, model_version="measured", threads=1)
    recognizer.load()
    _recognizer = recognizer


def _language(source: Path) -> str | None:
    with _opened(source, chunk_s=Options().chunk_s) as opened:
        return opened.language(_recognizer)


def _part(source: Path, chunk: int, language: str | None) -> SpeechPart:
    with _opened(source, chunk_s=Options().chunk_s) as opened:
        return opened.part(chunk, language, _recognizer)


def parts(source: Path, recognizer: "SpeechRecognizer", *, chunk_s: float) -> list[SpeechPart]:
    """Return what the stage's tasks hear in a file's chunks when they run one after the other.

    Raises BadVideo when the file cannot be read, ValueError when it has no sound.
    """
    with _opened(source, chunk_s=chunk_s) as opened:
        language = opened.language(recognizer)
        return [opened.part(chunk, language, recognizer) for chunk in range(opened.plan.chunks)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    """A source as a task has it."""

    file: BinaryIO
    name: str
    track: SoundTrack
    duration_s: float
    plan: ChunkPlan

    def language(self, recognizer: "SpeechRecognizer") -> str | None:
        return find_language(
            self.file,
            self.track,
            plan=self.plan,
            duration_s=self.duration_s,
            recognizer=recognizer,
            name=self.name,
        )

    def part(self, chunk: int, language: str | None, recognizer: "SpeechRecognizer") -> SpeechPart:
        return transcribe_chunk(
            self.file,
            self.track,
            plan=self.plan,
            chunk=chunk,
            duration_s=self.duration_s,
            language=language,
            recognizer=recognizer,
            name=self.name,
            on_progress=lambda _: None,
        )


@contextmanager
def _opened(source: Path, *, chunk_s: float) -> Iterator[_Opened]:
    with source.open("rb") as file:
        media = probe_media(file, name=source.name)
        track = speech_track(file, media, name=source.name)
        if track is None:
            raise ValueError(f"{source.name} has no sound")
        plan = plan_of(media, chunk_s=chunk_s)
        yield _Opened(file=file, name=source.name, track=track, duration_s=media.duration_s, plan=plan)


def plan_of(media: Media, *, chunk_s: float) -> ChunkPlan:
    """Return how the stage shares a source's units out, as for a real job."""
    return plan_stages(media, Options(mode="speech", chunk_s=chunk_s), max_tasks=MAX_TASKS)["transcribe"]


def _written(source: Path, write_down: Callable[[Path], Heard]) -> Written:
    _read_through(source)
    duration_s = _duration_s(source)
    began_at = time.monotonic()
    heard = write_down(source)
    wall_s = time.monotonic() - began_at
    return Written(duration_s=duration_s, wall_s=wall_s, cpu_s=heard.cpu_s, text=heard.text, language=heard.language)


def _duration_s(source: Path) -> float:
    with source.open("rb") as file:
        return probe_media(file, name=source.name).duration_s


def _text(transcript: Transcript) -> str:
    return " ".join(word.text for word in transcript.words)


def _as_one(several: Sequence[Written]) -> Written:
    return Written(
        duration_s=sum(each.duration_s for each in several),
        wall_s=sum(each.wall_s for each in several),
        cpu_s=sum(each.cpu_s for each in several),
        text=" ".join(each.text for each in several),
        language=None,
    )


def _read_through(source: Path) -> None:
    with source.open("rb") as file:
        while file.read(BLOCK_BYTES):
            pass


if __name__ == "__main__":
    main()
