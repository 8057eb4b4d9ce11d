"""What was heard once is not heard again, and a memory that fails costs no more than having none."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.task import Part, Task
from shared.adapters.local.folder_store import FolderStore
from shared.domain.object_names import heard_for, heard_speech
from shared.domain.options import Options
from shared.errors import MontageError, NotFound, TryAgain
from shared.media.speech_sound import speech_track
from shared.pipeline.pinned_source import open_source
from shared.pipeline.remembered_speech import RememberedSpeech, Samples
from shared.pipeline.transcribe import find_language, part_to_json, transcribe_chunk
from shared.ports import ObjectStat
from tests.clips import ClipSpec, make_clip
from tests.one_machine import one_machine
from tests.shared.pipeline.test_transcribe import BeepReader

SAYS_NOTHING = 4


@dataclass
class Counter:
    """A recognizer that takes some pieces ahead, as the real one does, and says which it was given."""

    manner: str = "numbers"
    ahead: int = 2
    asked: list[tuple[float, str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def silences(self, samples: Samples) -> Sequence[tuple[float, float]]:
        return []

    def languages(self, samples: Samples) -> Mapping[str, float]:
        self.asked.append((float(samples[0]), "languages"))
        return {"en": 0.75, "ö": float(samples[0])}

    def transcribe_all(
        self, pieces: Iterable[tuple[Samples, str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[tuple[str, float, float, float]]]:
        pieces = iter(pieces)
        taken = list(islice(pieces, self.ahead))
        while taken:
            samples, language = taken.pop(0)
            self.asked.append((float(samples[0]), language))
            taken += islice(pieces, 1)
            yield said(float(samples[0]), language, hints)


def said(number: float, language: str = "en", hints: Sequence[str] = ()) -> list[tuple[str, float, float, float]]:
    if number == SAYS_NOTHING:
        return []
    return [(f" {language} {number:g} ü", 0.1, number + 0.1, 0.9), *((f" {hint}", 1.0, 2.0, 0.5) for hint in hints)]


def sound(number: float) -> Samples:
    return np.full(4, number, np.float32)


def answers(memory: RememberedSpeech, numbers: Iterable[float], hints: Sequence[str] = ()) -> list[object]:
    return [list(each) for each in memory.transcribe_all(((sound(n), "en") for n in numbers), hints=hints)]


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path, bucket="work")


class Memory:
    """A store in memory: reads and writes alone."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def read(self, name: str) -> bytes:
        if name not in self.kept:
            raise NotFound(name)
        return self.kept[name]

    def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> None:
        if not (only_if_absent and name in self.kept):
            self.kept[name] = data


@given(st.lists(st.integers(0, 5)), st.lists(st.integers(0, 9)), st.integers(1, 4))
def test_any_mixture_of_known_and_unknown_pieces_is_answered_in_order_and_heard_once(
    before: list[int], now: list[int], ahead: int
) -> None:
    store = Memory()
    inner = Counter(ahead=ahead)
    for numbers in (before, now):
        memory = RememberedSpeech(recognizer=inner, store=store)  # type: ignore[arg-type]  # all that it uses
        assert answers(memory, numbers) == [said(n) for n in numbers]
        assert memory.heard + memory.remembered == len(numbers)
    assert sorted(inner.asked) == sorted({(n, "en") for n in (*before, *now)})


def test_another_manner_language_or_hint_is_another_answer(store: FolderStore) -> None:
    inner = Counter()
    memory = RememberedSpeech(recognizer=inner, store=store)
    assert answers(memory, [1]) == [said(1)]
    assert answers(memory, [1], ["Shabata"]) == [said(1, hints=["Shabata"])]
    assert answers(memory, [1], ["Shabata", "kickflip"]) == [said(1, hints=["Shabata", "kickflip"])]
    assert [list(each) for each in memory.transcribe_all([(sound(1), "de")])] == [said(1, "de")]
    assert memory.languages(sound(1)) == {"en": 0.75, "ö": 1.0}
    other = Counter(manner="a newer one")
    assert answers(RememberedSpeech(recognizer=other, store=store), [1]) == [said(1)]
    assert (len(inner.asked), len(other.asked)) == (5, 1)
    again = RememberedSpeech(recognizer=Counter(), store=store)
    assert answers(again, [1]) == [said(1)]
    assert again.languages(sound(1)) == {"en": 0.75, "ö": 1.0}
    assert again.recognizer.asked == []  # type: ignore[attr-defined]
    assert len(list(store.list("work/heard/"))) == 6


@pytest.mark.parametrize("broken", [b"", b"[[", b"\xff", b"{}", b"null", b"3", b'[["a", 1]]', b'[["a", 1, "b", 2]]'])
def test_what_is_no_answer_is_heard_again_and_replaced(store: FolderStore, broken: bytes) -> None:
    answers(RememberedSpeech(recognizer=Counter(), store=store), [1])
    (name,) = store.list("work/heard/")
    whole = store.read(name)
    store.write(name, broken)
    memory = RememberedSpeech(recognizer=Counter(), store=store)
    assert answers(memory, [1]) == [said(1)]
    assert (memory.heard, store.read(name)) == (1, whole)


def test_a_broken_answer_about_the_language_is_replaced_too(store: FolderStore) -> None:
    memory = RememberedSpeech(recognizer=Counter(), store=store)
    memory.languages(sound(1))
    (name,) = store.list("work/heard/")
    for broken in (b"[]", b'{"en": null}', b"nothing"):
        store.write(name, broken)
        assert memory.languages(sound(1)) == {"en": 0.75, "ö": 1.0}
        assert json.loads(store.read(name)) == {"en": 0.75, "ö": 1.0}


class Failing(FolderStore):
    """A folder whose reads, writes or both fail."""

    failure: Exception
    fails: tuple[str, ...] = ()

    def read(self, name: str) -> bytes:
        if "read" in self.fails:
            raise self.failure
        return super().read(name)

    def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
        if "write" in self.fails:
            raise self.failure
        return super().write(name, data, only_if_absent=only_if_absent)


@pytest.mark.parametrize("failure", [TryAgain("busy"), OSError(28, "No space left"), MontageError("odd", "Odd.")])
@pytest.mark.parametrize("fails", [("read",), ("write",), ("read", "write")])
def test_a_store_that_fails_costs_time_and_no_answer(
    tmp_path: Path, failure: Exception, fails: tuple[str, ...], caplog: pytest.LogCaptureFixture
) -> None:
    store = Failing(tmp_path, bucket="work")
    memory = RememberedSpeech(recognizer=Counter(), store=store)
    assert answers(memory, [1, 2]) == [said(1), said(2)]
    store.failure, store.fails = failure, fails
    assert answers(memory, [1, 3, 2, 3]) == [said(1), said(3), said(2), said(3)]
    assert memory.languages(sound(1)) == {"en": 0.75, "ö": 1.0}
    assert str(failure) in caplog.text


def test_two_that_hear_the_same_at_once_both_get_it_and_one_of_them_keeps_it(store: FolderStore) -> None:
    memories = [RememberedSpeech(recognizer=Counter(), store=store) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda memory: answers(memory, range(20)), memories))
    assert found == [[said(n) for n in range(20)]] * 4
    assert len(list(store.list("work/heard/"))) == 20
    assert answers(RememberedSpeech(recognizer=Counter(), store=store), range(20)) == found[0]


def transcribe(task: Task, inner: BeepReader) -> Part:
    """Do what the real stage does, with a recognizer that reads beeps."""
    assert task.job.media is not None
    memory = RememberedSpeech(recognizer=inner, store=task.cloud.work)
    media, plan = task.job.media, task.job.stages["transcribe"].plan
    with open_source(task.cloud, task.job) as file:
        track = speech_track(file, media, name="clip")
        assert track is not None
        language = find_language(file, track, plan=plan, duration_s=media.duration_s, recognizer=memory, name="clip")
        part = transcribe_chunk(
            file, track, plan=plan, chunk=task.chunk, duration_s=media.duration_s, language=language,
            recognizer=memory, name="clip", on_progress=task.progress,
        )  # fmt: skip
    return Part(body=part_to_json(part), numbers={"heard": memory.heard, "remembered": memory.remembered})


def test_a_second_job_with_the_same_sound_transcribes_nothing(tmp_path: Path) -> None:
    inner = BeepReader()
    machine = one_machine(tmp_path / "home")
    machine.launcher.work["transcribe"] = lambda task: transcribe(task, inner)
    clip = make_clip(tmp_path, ClipSpec(seconds=26.0, size=(64, 36), fps=ClipSpec().fps / 3))

    def numbers(options: Options) -> list[Mapping[str, float]]:
        job = machine.run_to_the_end(machine.submit(clip, options=options).id)
        assert job.state == "done"
        return [chunk.numbers or {} for chunk in machine.cloud.jobs.chunks(job.id, "transcribe")]

    first = numbers(Options())
    assert sum(each["heard"] for each in first) == 2
    heard = len(inner.asked)
    again = numbers(replace(Options(), chunk_s=24))
    assert (sum(each["heard"] for each in again), sum(each["remembered"] for each in again)) == (0, 2)
    assert len(inner.asked) == heard


def test_what_is_used_is_noted_below_the_job_before_it_is_kept(store: FolderStore) -> None:
    written: list[str] = []

    class Watched:
        def read(self, name: str) -> bytes:
            return store.read(name)

        def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
            written.append(name)
            return store.write(name, data, only_if_absent=only_if_absent)

    for job_id in ("one", "other"):
        memory = RememberedSpeech(recognizer=Counter(), store=Watched(), job_id=job_id)  # type: ignore[arg-type]
        assert answers(memory, [1, 2, 1]) == [said(1), said(2), said(1)]
    digests = [Path(name).stem for name in store.list("work/heard/")]
    for job_id in ("one", "other"):
        notes = [Path(name).stem for name in store.list(f"work/{job_id}/")]
        assert notes == digests, "also what another job had heard first"
    for digest in digests:
        assert written.index(heard_for("one", digest)) < written.index(heard_speech(digest))
    assert len(written) == 3 * len(digests), "each once"


def test_what_cannot_be_noted_is_heard_and_not_kept(store: FolderStore) -> None:
    class Noteless:
        def read(self, name: str) -> bytes:
            return store.read(name)

        def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
            if "/transcribe/" in name:
                raise TryAgain("the store is away")
            return store.write(name, data, only_if_absent=only_if_absent)

    memory = RememberedSpeech(recognizer=Counter(), store=Noteless(), job_id="one")  # type: ignore[arg-type]
    assert answers(memory, [1]) == [said(1)]
    assert list(store.list("work/")) == []
