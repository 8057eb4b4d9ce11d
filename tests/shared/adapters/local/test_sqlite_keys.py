from functools import partial
from pathlib import Path

import pytest

from shared.adapters.local.sqlite_jobs import SqliteJobs
from shared.adapters.local.sqlite_keys import SqliteKeys
from tests.contracts.hand_clock import HandClock
from tests.contracts.job_store import LIMITS, new_job
from tests.contracts.key_store import KeyStoreContract, Make, new_key


class TestSqliteKeys(KeyStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(SqliteKeys, tmp_path / "home" / "jobs.sqlite3")


def test_keys_and_jobs_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite3"
    keys, jobs = SqliteKeys(path), SqliteJobs(path, clock=HandClock(), limits=LIMITS)
    keys.add(new_key())
    jobs.create(new_job())
    assert (keys.find(new_key().sha256), jobs.get("job")) == (new_key(), new_job())
    keys.close()
    jobs.close()
