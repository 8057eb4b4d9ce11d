"""The transcribe stage with a recognizer that reads a clip's beeps: which second is said, and when."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.adapters.local.folder_store import FolderStore
from shared.connect import connect_local
from shared.domain.heard_words import HeardWord
from shared.domain.object_names import spoken_language
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.transcript import Word
from shared.domain.units import ChunkPlan, plan_chunks
from shared.media.probe import probe
from shared.media.speech_sound import SPEECH_RATE_HZ, speech_track
from shared.pipeline.transcribe import (
    SpeechPart,
    find_language,
    join_parts,
    part_from_json,
    part_to_json,
    share_language,
    transcribe_chunk,
)
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip

LOUD = 0.3
STEP = SPEECH_RATE_HZ // 100


class BeepReader:
    """Hears a word wherever it is loud."""

    def __init__(self, *, says: str = "beep", languages: Mapping[str, float] | None = None) -> None:
        self.versions = {"beeps": "1"}
        self.manner = says
        self.says = says
        self.asked: list[str] = []
        self._languages = languages or {"en": 0.6, "de": 0.3}

    def silences(self, samples: NDArray[np.float32]) -> Sequence[tuple[float, float]]:
        loud = self._loud(samples)
        ends = [0.0, *(at for each in loud for at in each), len(samples) / SPEECH_RATE_HZ]
        return [(a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if b > a]

    def languages(self, samples: NDArray[np.float32]) -> Mapping[str, float]:
        self.asked.append("languages")
        return self._languages

    def transcribe_all(
        self, pieces: Iterable[tuple[NDArray[np.float32], str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[HeardWord]]:
        for samples, language in pieces:
            self.asked.append(language)
            yield [(f" {self.says}", start_s, end_s, 0.9) for start_s, end_s in self._loud(samples)]

    def _loud(self, samples: NDArray[np.float32]) -> list[tuple[float, float]]:
        """Return a second's stretch around each beep, so that every second but its last third is speech."""
        steps = np.abs(samples[: len(samples) // STEP * STEP]).reshape(-1, STEP).max(axis=1) > LOUD
        starts = np.flatnonzero(steps & ~np.r_[False, steps[:-1]]) / 100
        return [(float(at), min(float(at) + 0.66, len(samples) / SPEECH_RATE_HZ)) for at in starts]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("speech"), ClipSpec(seconds=65.0, size=(64, 36), fps=ClipSpec().fps / 3))


def plan_of(path: Path, chunk_s: float) -> tuple[ChunkPlan, float]:
    with open(path, "rb") as file:
        duration_s = probe(file, name="clip").duration_s
    return plan_chunks(duration_s=duration_s, unit_s=SPEECH_UNIT_S, chunk_s=chunk_s, max_tasks=200), duration_s


def parts_of(path: Path, chunk_s: float, recognizer: BeepReader, *, language: str | None = "en") -> list[SpeechPart]:
    plan, duration_s = plan_of(path, chunk_s)
    with open(path, "rb") as file:
        track = speech_track(file, probe(file, name="clip"), name="clip")
        assert track is not None
        return [
            transcribe_chunk(
                file,
                track,
                plan=plan,
                chunk=chunk,
                duration_s=duration_s,
                language=language,
                recognizer=recognizer,
                name="clip",
                on_progress=lambda _: None,
            )
            for chunk in reversed(range(plan.chunks))
        ]


def test_chunks_of_any_length_hear_exactly_the_same(clip: Path) -> None:
    whole = join_parts(parts_of(clip, 9999, BeepReader()))
    assert [round(word.start_s) for word in whole.transcript.words] == list(range(65))
    assert whole.warnings == ()
    assert len(parts_of(clip, 24, BeepReader())) == 3
    for chunk_s in (24, 48):
        assert join_parts(parts_of(clip, chunk_s, BeepReader())) == whole


def test_units_meet_in_silence_near_the_grid(clip: Path) -> None:
    (part,) = parts_of(clip, 9999, BeepReader())
    assert part.borders_s[0] == 0
    assert part.borders_s[-1] == pytest.approx(65, abs=0.2)
    for at_s, grid_s in zip(part.borders_s[1:-1], (24.0, 48.0), strict=True):
        assert abs(at_s - grid_s) <= 3
        assert at_s % 1 == pytest.approx(0.83, abs=0.05), "in the quiet end of a second"


def test_a_part_comes_back_from_storage_as_it_went(clip: Path) -> None:
    for part in parts_of(clip, 24, BeepReader(says="Öl")):
        assert part_from_json(part_to_json(part)) == part


def test_nothing_is_transcribed_where_nobody_speaks(tmp_path: Path) -> None:
    silent = make_clip(tmp_path, ClipSpec(seconds=4.0, sound_starts_s=3.9))
    recognizer = BeepReader()
    (part,) = parts_of(silent, 60, recognizer)
    assert (part.words, recognizer.asked) == ((), [])
    assert join_parts([part]).transcript.language is None


def test_progress_begins_at_nothing_and_ends_at_one(clip: Path) -> None:
    told: list[float] = []
    plan, duration_s = plan_of(clip, 9999)
    with open(clip, "rb") as file:
        track = speech_track(file, probe(file, name="clip"), name="clip")
        assert track is not None
        transcribe_chunk(
            file, track, plan=plan, chunk=0, duration_s=duration_s, language="en", recognizer=BeepReader(),
            name="clip", on_progress=told.append,
        )  # fmt: skip
    assert (told[0], told[-1]) == (0, 1)
    assert told == sorted(told)


def language_of(path: Path, recognizer: BeepReader, *, chunk_s: float = 24) -> str | None:
    plan, duration_s = plan_of(path, chunk_s)
    with open(path, "rb") as file:
        track = speech_track(file, probe(file, name="clip"), name="clip")
        assert track is not None
        return find_language(file, track, plan=plan, duration_s=duration_s, recognizer=recognizer, name="clip")


def test_the_language_is_listened_for_until_it_is_sure(clip: Path) -> None:
    clear, unclear = BeepReader(languages={"de": 0.97, "en": 0.02}), BeepReader(languages={"es": 0.3, "pt": 0.28})
    assert (language_of(clip, clear), len(clear.asked)) == ("de", 1)
    assert (language_of(clip, unclear), len(unclear.asked)) == ("es", 3)


def test_where_the_sources_language_is_unknown_each_unit_has_its_own(clip: Path) -> None:
    recognizer = BeepReader()
    (part,) = parts_of(clip, 9999, recognizer, language=None)
    assert recognizer.asked == ["languages", "en"] * 3
    assert part.language == "en"


def test_the_first_task_to_know_the_language_tells_the_others(tmp_path: Path) -> None:
    with connect_local(Settings(home=tmp_path)) as cloud:
        assert share_language(cloud, "a" * 26, lambda: "hi") == "hi"
        assert share_language(cloud, "a" * 26, lambda: pytest.fail("asked again")) == "hi"
        assert share_language(cloud, "b" * 26, lambda: None) is None
        store = cloud.work
        assert isinstance(store, FolderStore)

        def slower() -> str:
            store.write(spoken_language("c" * 26), b'{"language": "de"}', only_if_absent=True)
            return "nl"

        assert share_language(cloud, "c" * 26, slower) == "de"


def word(text: str, start_s: float, end_s: float) -> Word:
    return Word(text=text, start_s=start_s, end_s=end_s, confidence=1.0)


def test_parts_that_disagree_are_joined_at_their_widest_common_pause_with_a_warning() -> None:
    left = SpeechPart(
        first_unit=0,
        borders_s=(0.0, 24.5),
        words=(word("a", 22.0, 22.4), word("b", 23.2, 23.4), word("c", 24.0, 24.4)),
        language="en",
        decode_errors=0,
        heard_samples=392_000,
        models={},
    )
    right = replace(
        left,
        first_unit=1,
        borders_s=(23.0, 48.0),
        words=(word("b", 23.2, 23.4), word("c", 24.0, 24.4), word("d", 25.0, 25.2)),
        decode_errors=2,
    )
    joined = join_parts([right, left])
    assert [each.text for each in joined.transcript.words] == ["a", "b", "c", "d"]
    assert [warning.split(":")[0] for warning in joined.warnings] == ["speech_borders_differ", "damaged_sound"]
