"""What every EventBus one can pull from does. An adapter joins with a subclass whose fixture `make` returns clients."""

import time
from collections.abc import Collection
from typing import Protocol

import pytest

from shared.domain.messages import DeadLetter, JobEvent, Message, ObjectFinalized, StageDone, StageRequested, parse
from shared.ports import Clock, Deliveries, Delivery, EventBus
from tests.contracts.hand_clock import HandClock
from tests.contracts.racing import race_in_processes, race_in_threads

VISIBILITY_S = 60.0
A, B = "a" * 26, "b" * 26


class PulledBus(EventBus, Deliveries, Protocol):
    """Both sides of a bus."""


class Make(Protocol):
    """Returns one more client of the test's own bus, empty at first. It can be pickled: other processes call it."""

    def __call__(self, *, clock: Clock, subscriptions: Collection[str], visibility_s: float) -> PulledBus: ...


def client(make: Make, clock: Clock) -> PulledBus:
    return make(clock=clock, subscriptions=["stage-requested", "object-finalized"], visibility_s=VISIBILITY_S)


def order(job_id: str = A, request: int = 1) -> StageRequested:
    return StageRequested(job_id=job_id, epoch=1, stage="pose", request=request)


def arrived(job_id: str = A) -> ObjectFinalized:
    return ObjectFinalized(bucket="uploads", name=f"uploads/{job_id}/source", generation="1", size_bytes=2)


def taken(bus: Deliveries, *, keys: Collection[str] | None = None) -> Delivery:
    delivery = bus.take(keys=keys)
    assert delivery is not None
    return delivery


class EventBusContract:
    """Claims about one bus."""

    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    def bus(self, make: Make, clock: HandClock) -> PulledBus:
        return client(make, clock)

    def test_a_message_reaches_another_client(self, make: Make, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        delivery = taken(client(make, clock))
        assert (delivery.topic, parse(delivery.body), delivery.attempts) == ("stage-requested", order(), 1)

    def test_an_empty_bus_gives_nothing(self, bus: PulledBus) -> None:
        assert bus.take() is None
        assert bus.take(keys=[A]) is None

    def test_a_topic_nobody_subscribed_to_is_dropped(self, bus: PulledBus) -> None:
        event = JobEvent(type="done", job_id=A, epoch=1, revision=1, n=1, state="done")
        for message in (event, StageDone(job_id=A, epoch=1, stage="pose")):
            bus.publish(message)
        assert bus.take() is None

    def test_a_taken_message_is_hidden_and_comes_again_when_nobody_acknowledges(
        self, bus: PulledBus, clock: HandClock
    ) -> None:
        bus.publish(order())
        assert taken(bus).attempts == 1
        clock.forward(VISIBILITY_S - 1)
        assert bus.take() is None
        clock.forward(1)
        assert taken(bus).attempts == 2
        clock.forward(VISIBILITY_S)
        assert taken(bus).attempts == 3

    def test_an_acknowledged_message_never_comes_again(self, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        bus.acknowledge(taken(bus))
        clock.forward(10 * VISIBILITY_S)
        assert bus.take() is None

    def test_a_late_acknowledgement_still_counts(self, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        first = taken(bus)
        clock.forward(VISIBILITY_S)
        second = taken(bus)
        bus.acknowledge(first)
        bus.acknowledge(second)
        clock.forward(VISIBILITY_S)
        assert bus.take() is None

    def test_a_retried_message_waits_as_long_as_asked(self, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        bus.retry(taken(bus), after_s=5.0)
        clock.forward(4)
        assert bus.take() is None
        clock.forward(1)
        assert taken(bus).attempts == 2

    def test_a_message_may_be_put_off_longer_than_it_is_hidden(self, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        bus.retry(taken(bus), after_s=2 * VISIBILITY_S)
        clock.forward(VISIBILITY_S)
        assert bus.take() is None
        clock.forward(VISIBILITY_S)
        assert taken(bus).attempts == 2

    def test_a_late_retry_does_not_bring_a_message_to_a_third_handler(self, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        first = taken(bus)
        clock.forward(VISIBILITY_S)
        taken(bus)
        bus.retry(first, after_s=0.0)
        assert bus.take() is None

    def test_a_message_published_twice_is_delivered_twice(self, bus: PulledBus) -> None:
        bus.publish(order())
        bus.publish(order())
        assert parse(taken(bus).body) == parse(taken(bus).body) == order()
        assert bus.take() is None

    def test_what_is_due_longest_comes_first(self, bus: PulledBus, clock: HandClock) -> None:
        for request in (1, 2, 3):
            bus.publish(order(request=request))
        bus.retry(taken(bus), after_s=10.0)
        clock.forward(1)
        bus.publish(order(request=4))
        clock.forward(10)
        assert [request_of(taken(bus)) for _ in range(4)] == [2, 3, 4, 1]

    def test_keys_limit_it_to_messages_about_these_jobs(self, bus: PulledBus) -> None:
        other = ObjectFinalized(bucket="uploads", name="dropped in by hand.mov", generation="1", size_bytes=2)
        messages: list[Message] = [other, order(A), arrived(B), order(B)]
        for message in messages:
            bus.publish(message)
        assert bus.take(keys=[]) is None
        assert bus.take(keys=["c" * 26]) is None
        assert parse(taken(bus, keys=[B, "c" * 26]).body) == arrived(B)
        assert parse(taken(bus, keys={B}).body) == order(B)
        assert bus.take(keys=[B]) is None
        assert parse(taken(bus, keys=[f"job-{number}" for number in range(100_000)] + [A]).body) == order(A)
        assert parse(taken(bus).body) == other

    def test_dead_letters_need_no_subscription_and_are_not_delivered(self, bus: PulledBus) -> None:
        bus.publish(DeadLetter(code="bad_message", reason="No.", original_topic="stage-requested", body="{"))
        assert bus.take() is None

    def test_each_of_many_messages_is_taken_by_one_of_many_threads(
        self, make: Make, bus: PulledBus, clock: HandClock
    ) -> None:
        for request in range(40):
            bus.publish(order(request=request))
        answers = race_in_threads(8, lambda _: take_all(client(make, clock)))
        assert sorted(request for requests in answers for request in requests) == list(range(40))

    def test_each_of_many_messages_is_taken_by_one_of_several_processes(self, make: Make) -> None:
        bus = client(make, time.time)
        for request in range(40):
            bus.publish(order(request=request))
        answers = race_in_processes(take_all_of, [(make,)] * 3)
        assert sorted(request for requests in answers for request in requests) == list(range(40))


def request_of(delivery: Delivery) -> int:
    message = parse(delivery.body)
    assert isinstance(message, StageRequested)
    return message.request


def take_all(bus: PulledBus) -> list[int]:
    requests = []
    while (delivery := bus.take()) is not None:
        requests.append(request_of(delivery))
        bus.acknowledge(delivery)
    return requests


def take_all_of(make: Make) -> list[int]:
    return take_all(client(make, time.time))
