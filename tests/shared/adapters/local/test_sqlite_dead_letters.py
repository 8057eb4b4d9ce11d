import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.local.sqlite_bus import SqliteBus
from shared.adapters.local.sqlite_dead_letters import SqliteDeadLetters
from shared.domain.messages import DeadLetter
from shared.ports import DeadLetters
from tests.contracts.dead_letters import WHOLE, CameBack, DeadLettersContract, letter
from tests.contracts.hand_clock import HandClock
from tests.contracts.racing import race_in_threads


@pytest.fixture
def bus(tmp_path: Path) -> Iterator[SqliteBus]:
    topics = ("job-requests", "stage-done")
    with closing(SqliteBus(tmp_path / "messages.sqlite3", clock=time.time, subscriptions=topics)) as bus:
        yield bus


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[DeadLetters]:
    with closing(SqliteDeadLetters(tmp_path / "messages.sqlite3", clock=time.time)) as letters:
        yield letters


class TestSqliteDeadLetters(DeadLettersContract):
    @pytest.fixture
    def came_back(self, bus: SqliteBus) -> CameBack:
        def take(topic: str) -> str | None:
            delivery = bus.take()
            if delivery is None:
                return None
            assert delivery.topic == topic
            bus.acknowledge(delivery)
            return delivery.body

        return take


def test_letters_have_the_time_they_were_put_aside(tmp_path: Path) -> None:
    path, clock = tmp_path / "messages.sqlite3", HandClock(10.0)
    with closing(SqliteBus(path, clock=clock, subscriptions=[])) as bus:
        bus.publish(letter("1"))
        clock.forward(1)
        bus.publish(DeadLetter(code="unknown_job", reason="None.", original_topic="stage-done", body="2"))
    with closing(SqliteDeadLetters(path, clock=clock)) as letters:
        assert [(kept.letter.body, kept.at) for kept in letters.list()] == [("1", 10.0), ("2", 11.0)]


def test_a_replayed_message_is_found_by_its_job(bus: SqliteBus, letters: DeadLetters) -> None:
    bus.publish(letter(WHOLE, topic="stage-done"))
    letters.replay()
    assert bus.take(keys=["b"]) is None
    assert bus.take(keys=["a"]) is not None


def test_of_many_who_replay_at_once_one_does(bus: SqliteBus, letters: DeadLetters) -> None:
    bus.publish(letter())
    answers = race_in_threads(8, lambda _: letters.replay())
    assert sum(len(answer) for answer in answers) == 1
    assert bus.take() is not None and bus.take() is None
