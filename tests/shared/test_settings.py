import os

import pytest

from shared.settings import Settings


def test_a_machine_shares_its_cores_among_the_tasks_that_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert Settings(workers=2).threads_per_task(100) == 4
    assert Settings(workers=16).threads_per_task(100) == 1
    assert Settings(workers=8).threads_per_task(3) == 2
    assert Settings(workers=8).threads_per_task(0) == 8


def test_a_container_of_the_cloud_has_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv("MONTAGE_CLOUD", "gcp")
    assert Settings().threads_per_task(100) == 4
