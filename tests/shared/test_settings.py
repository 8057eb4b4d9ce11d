import os

import pytest

from shared.settings import Settings


def test_a_machine_shares_its_cores_among_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert Settings(workers=2).threads_per_task == 4
    assert Settings(workers=16).threads_per_task == 1


def test_a_container_of_the_cloud_has_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv("MONTAGE_CLOUD", "gcp")
    assert Settings().threads_per_task == 4
