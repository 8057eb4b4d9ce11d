"""Whether a transcript is the same whatever the length of chunks, and where chunks disagree about their border.

`make bench-transcribe BENCH_ARGS=--chunks` compares every recording of speech, and 30 minutes joined from them, as the
base model hears them. Lengths that come to the same plan are compared once.
"""

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.transcribe_once import MODEL, THREADS, parts, plan_of
from benchmarks.turns import say
from shared.media.probe import probe_media
from shared.models.fetch import ensure
from shared.pipeline.transcribe import SpeechPart, join_parts
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.ports import SpeechRecognizer

CHUNKS_S = (9999.0, 24.0, 48.0, 60.0, 72.0)
"""60 is the default; it comes to as many units as 48."""
ENDINGS = (".m4a", ".wav", ".flac")
LONGEST_UNIT_S = 30.0
MOST = {"chunks_transcripts_differ": 0.0, "chunks_borders_differ": 0.0, "chunks_longest_unit_s": LONGEST_UNIT_S}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One source transcribed in chunks of several lengths."""

    source: str
    units: int
    words: int
    plans: int
    """How many ways to share the units out were compared, the whole source as one chunk among them."""
    margins: int
    """Borders found by two neighbouring chunks, all plans together."""
    borders_differ: int
    """Of these, how many were not found at the same place; and borders that moved from plan to plan."""
    transcripts_differ: int
    """Plans whose transcript, warnings and counts are not those of the whole source as one chunk."""
    longest_unit_s: float


def compared(speech: Path) -> dict[str, float]:
    """Print how every recording of the folder compares, and 30 minutes of them, and return the sums."""
    from jobs.transcribe.recognizer import WhisperRecognizer
    from tests.joined_speech import joined_speech

    recognizer = WhisperRecognizer(
        ensure(MODEL, cache_dir=Settings().models), model_version="measured", threads=THREADS
    )
    found: list[Comparison] = []
    with tempfile.TemporaryDirectory(prefix="montage-bench-") as scratch:
        long = joined_speech(Path(scratch) / "half_an_hour.m4a", speech, rate_hz=44_100).path
        for source in (*sorted(each for each in speech.iterdir() if each.suffix in ENDINGS), long):
            found.append(compare(source, recognizer))
            say(asdict(found[-1]))
    return summed(found)


def compare(source: Path, recognizer: "SpeechRecognizer", chunks_s: Iterable[float] = CHUNKS_S) -> Comparison:
    """Transcribe a source in chunks of each length and return how the transcripts compare; the first is the measure."""
    with source.open("rb") as file:
        media = probe_media(file, name=source.name)
    plans: dict[tuple[range, ...], list[SpeechPart]] = {}
    for chunk_s in chunks_s:
        plan = plan_of(media, chunk_s=chunk_s)
        shared_out = tuple(map(plan.units_of, range(plan.chunks)))
        if shared_out not in plans:
            plans[shared_out] = parts(source, recognizer, chunk_s=chunk_s)
    return comparison(source.name, list(plans.values()))


def comparison(source: str, plans: Sequence[Sequence[SpeechPart]]) -> Comparison:
    """Return how the parts of several plans compare; those of the first plan are the measure."""
    whole, borders_s = join_parts(plans[0]), _borders_s(plans[0])
    meeting = [(before.borders_s[-1], after.borders_s[0]) for plan in plans for before, after in pairwise(plan)]
    moved = sum(one != other for plan in plans for one, other in zip(borders_s, _borders_s(plan), strict=True))
    return Comparison(
        source=source,
        units=len(borders_s) - 1,
        words=len(whole.transcript.words),
        plans=len(plans),
        margins=len(meeting),
        borders_differ=sum(before != after for before, after in meeting) + moved,
        transcripts_differ=sum(join_parts(plan) != whole for plan in plans),
        longest_unit_s=max(end_s - start_s for start_s, end_s in pairwise(borders_s)),
    )


def summed(found: Iterable[Comparison]) -> dict[str, float]:
    """Return the sums over all sources, and the longest unit of all."""
    each = list(found)
    return {
        "chunks_sources": len(each),
        "chunks_plans": sum(one.plans for one in each),
        "chunks_margins": sum(one.margins for one in each),
        "chunks_borders_differ": sum(one.borders_differ for one in each),
        "chunks_transcripts_differ": sum(one.transcripts_differ for one in each),
        "chunks_longest_unit_s": round(max(one.longest_unit_s for one in each), 3),
    }


def _borders_s(plan: Sequence[SpeechPart]) -> list[float]:
    """Return every unit's beginning, and the end of the last one."""
    return [*(start_s for part in plan for start_s in part.borders_s[:-1]), plan[-1].borders_s[-1]]
