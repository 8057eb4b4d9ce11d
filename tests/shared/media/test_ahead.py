"""Work on another thread: in order, bounded, with its failures told here, and over when nobody wants it."""

import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from shared.media.ahead import WAITED_S, Check, ahead


def test_things_come_in_order_and_no_more_are_made_than_may_wait() -> None:
    made: list[int] = []

    def make(_: Check) -> Iterator[int]:
        for n in range(100):
            made.append(n)
            yield n

    with ahead(make, at_most=3) as things:
        assert next(things) == 0
        time.sleep(0.2)
        assert len(made) <= 6
        assert list(things) == list(range(1, 100))


@pytest.mark.parametrize("error", [ValueError("broke"), KeyboardInterrupt()])
def test_what_goes_wrong_is_raised_where_the_next_thing_would_have_come(error: BaseException) -> None:
    def make(_: Check) -> Iterator[int]:
        yield 1
        raise error

    with ahead(make, at_most=3) as things:
        assert next(things) == 1
        with pytest.raises(type(error)) as caught:
            next(things)
        assert caught.value is error


def test_the_thread_ends_with_the_block_though_nobody_takes_what_it_makes() -> None:
    def endless(_: Check) -> Iterator[int]:
        while True:
            yield 1

    with pytest.raises(ValueError, match="enough"), ahead(endless, at_most=2):
        raise ValueError("enough")
    assert "ahead" not in [each.name for each in threading.enumerate()]


def test_long_work_between_two_things_ends_with_the_block() -> None:
    def long(check: Check) -> Iterator[int]:
        while True:
            check()
            time.sleep(0.01)
        yield 1

    with ahead(long, at_most=2):
        pass
    assert "ahead" not in [each.name for each in threading.enumerate()]


def test_the_log_knows_there_whose_work_it_is() -> None:
    job: ContextVar[str] = ContextVar("job", default="nobody's")
    job.set("ours")
    with ahead(lambda _: [job.get()], at_most=1) as things:
        assert list(things) == ["ours"]


def test_whoever_waits_is_called_meanwhile() -> None:
    waited: list[float] = []

    def slow(_: Check) -> Iterator[int]:
        time.sleep(2.5 * WAITED_S)
        yield 1

    with ahead(slow, at_most=2, while_waiting=lambda: waited.append(time.monotonic())) as things:
        assert list(things) == [1]
    assert len(waited) == 2
