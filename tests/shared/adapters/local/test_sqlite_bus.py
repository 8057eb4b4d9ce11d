from functools import partial
from pathlib import Path

import pytest

from shared.adapters.local.sqlite_bus import SqliteBus
from tests.contracts.event_bus import Make, PulledBusContract, order
from tests.contracts.hand_clock import HandClock


class TestSqliteBus(PulledBusContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(SqliteBus, tmp_path / "home" / "messages.sqlite3")


def test_messages_outlive_their_publisher(tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "messages.sqlite3", clock=HandClock(), subscriptions=["stage-requested"])
    bus.publish(order())
    bus.close()
    later = SqliteBus(tmp_path / "messages.sqlite3", clock=HandClock(), subscriptions=["stage-requested"])
    assert later.take() is not None
