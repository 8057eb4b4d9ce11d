"""On what the model computes, and with how many threads; nothing is loaded to say so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest

from jobs.transcribe import recognizer
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.adapters.local.folder_store import FolderStore
from shared.pipeline.remembered_speech import RememberedSpeech

Loaded = dict[str, Any]


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Loaded]:
    """Return what the models that are loaded from now on are loaded with; there is no GPU to try."""
    asked: list[Loaded] = []
    monkeypatch.setattr(recognizer, "WhisperModel", lambda path, **options: asked.append({"path": path, **options}))
    return asked


def a_recognizer(threads: int = 2) -> WhisperRecognizer:
    return WhisperRecognizer(Path("models/base"), model_version="1", threads=threads)


@pytest.mark.parametrize(
    ("gpus", "device", "compute"), [(0, "cpu", "int8"), (1, "cuda", "float16"), (4, "cuda", "float16")]
)
def test_a_gpu_computes_in_float16_and_a_cpu_in_int8(
    loaded: list[Loaded], monkeypatch: pytest.MonkeyPatch, gpus: int, device: str, compute: str
) -> None:
    monkeypatch.setattr(ctranslate2, "get_cuda_device_count", lambda: gpus)
    made = a_recognizer()
    assert loaded == [], "not before it is needed"
    made.load()
    made.load()
    assert [(each["device"], each["compute_type"]) for each in loaded] == [(device, compute)]
    assert compute in made.manner, "the other device's answers are others"


@pytest.mark.parametrize(("threads", "workers", "each"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (16, 16, 1)])
def test_threads_are_shared_out_among_the_pieces_that_are_heard_side_by_side(
    loaded: list[Loaded], threads: int, workers: int, each: int
) -> None:
    a_recognizer(threads).load()
    assert [(one["num_workers"], one["cpu_threads"]) for one in loaded] == [(workers, each)]
    assert workers * each <= threads


def test_no_model_is_loaded_where_every_piece_is_remembered(
    loaded: list[Loaded], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path, bucket="work")
    words: Callable[..., Any] = lambda *_: [(" yes", 0.0, 0.5, 0.9)]  # noqa: E731
    monkeypatch.setattr(WhisperRecognizer, "_transcribe", words)
    piece = (np.ones(16_000, np.float32), "en")
    for loads in (1, 1):
        memory = RememberedSpeech(recognizer=a_recognizer(), store=store)
        assert [list(each) for each in memory.transcribe_all([piece])] == [[(" yes", 0.0, 0.5, 0.9)]]
        assert len(loaded) == loads
    assert list(a_recognizer().transcribe_all([])) == []
    assert len(loaded) == 1
