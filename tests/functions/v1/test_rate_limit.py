import pickle

import pytest

from functions.v1.rate_limit import RateLimit, TooManyRequests
from tests.contracts.hand_clock import HandClock


def refused_for_s(limit: RateLimit, who: str = "ana", *, per_minute: int = 6) -> int:
    try:
        limit.take(who, per_minute=per_minute)
    except TooManyRequests as error:
        return error.retry_after_s
    return 0


def test_a_minute_s_requests_may_come_at_once_and_then_evenly() -> None:
    limit = RateLimit(clock=(clock := HandClock()))
    assert [refused_for_s(limit) for _ in range(8)] == [0, 0, 0, 0, 0, 0, 10, 10]
    clock.now += 9.5
    assert refused_for_s(limit) == 1
    clock.now += 0.5
    assert [refused_for_s(limit), refused_for_s(limit)] == [0, 10]
    clock.now += 3600
    assert [refused_for_s(limit) for _ in range(7)] == [0, 0, 0, 0, 0, 0, 10]


def test_one_caller_s_haste_is_not_another_s() -> None:
    limit = RateLimit(clock=HandClock())
    assert [refused_for_s(limit, who, per_minute=1) for who in ("ana", "ana", "ben")] == [0, 60, 0]


def test_600_a_minute_are_600() -> None:
    limit = RateLimit(clock=HandClock())
    assert sum(refused_for_s(limit, per_minute=600) == 0 for _ in range(700)) == 600


def test_looking_counts_nothing_and_0_is_no_limit() -> None:
    limit = RateLimit(clock=HandClock())
    for _ in range(10):
        limit.check("ana", per_minute=1)
        assert refused_for_s(limit, "ben", per_minute=0) == 0
    assert refused_for_s(limit, per_minute=1) == 0
    with pytest.raises(TooManyRequests):
        limit.check("ana", per_minute=1)


def test_a_million_addresses_take_no_more_room_than_the_latest_few() -> None:
    limit = RateLimit(clock=HandClock(), most=3)
    assert [refused_for_s(limit, who, per_minute=1) for who in "abcda"] == [0, 0, 0, 0, 0]
    assert refused_for_s(limit, "d", per_minute=1) == 60
    assert len(limit._full_at) == 3


def test_the_error_survives_a_process_border() -> None:
    assert pickle.loads(pickle.dumps(TooManyRequests(7))).retry_after_s == 7
