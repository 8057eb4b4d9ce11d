from functools import partial
from pathlib import Path

import pytest

from shared.adapters.local.sqlite_bus import KeptLetter, SqliteBus
from shared.domain.messages import DeadLetter
from tests.contracts.event_bus import Make, PulledBusContract, order
from tests.contracts.hand_clock import HandClock


class TestSqliteBus(PulledBusContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        return partial(SqliteBus, tmp_path / "home" / "messages.sqlite3")


def test_dead_letters_are_kept_in_order_with_their_time(tmp_path: Path) -> None:
    clock = HandClock(10.0)
    bus = SqliteBus(tmp_path / "messages.sqlite3", clock=clock, subscriptions=[])
    bus.publish(DeadLetter(code="bad_message", reason="No.", original_topic="stage-requested", body="{"))
    clock.forward(1)
    bus.publish(DeadLetter(code="unknown_job", reason="None.", original_topic="stage-done", body="{}"))
    expected = [
        KeptLetter(code="bad_message", reason="No.", original_topic="stage-requested", body="{", at=10.0),
        KeptLetter(code="unknown_job", reason="None.", original_topic="stage-done", body="{}", at=11.0),
    ]
    assert bus.dead_letters() == expected
    bus.close()
    assert SqliteBus(tmp_path / "messages.sqlite3", clock=clock, subscriptions=[]).dead_letters() == expected


def test_messages_outlive_their_publisher(tmp_path: Path) -> None:
    bus = SqliteBus(tmp_path / "messages.sqlite3", clock=HandClock(), subscriptions=["stage-requested"])
    bus.publish(order())
    bus.close()
    later = SqliteBus(tmp_path / "messages.sqlite3", clock=HandClock(), subscriptions=["stage-requested"])
    assert later.take() is not None
