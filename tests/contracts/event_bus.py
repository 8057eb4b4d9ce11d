"""What every EventBus does, and what one does that can be pulled from through the port Deliveries.

An adapter joins with a subclass: of EventBusContract when messages leave it by other ways, with the fixtures `new_bus`
and `subscriber`; otherwise of PulledBusContract, with the fixture `make`.
"""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import pytest

from shared.domain.messages import DeadLetter, JobEvent, Message, ObjectFinalized, StageDone, StageRequested, parse
from shared.ports import Clock, Deliveries, Delivery, EventBus
from tests.contracts.hand_clock import HandClock
from tests.contracts.racing import race_in_processes, race_in_threads

VISIBILITY_S = 60.0
SUBSCRIBED = ("stage-requested", "object-finalized")
SOON_S, LATE_S = 0.3, 30.0  # when nothing should come, and when something should
A, B = "a" * 26, "b" * 26


class Bus(EventBus, Protocol):
    """What publishes."""

    def close(self) -> None: ...


NewBus = Callable[[], Bus]
"""Returns one more client of the test's own bus. It can be pickled: other processes call it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message that a subscriber holds."""

    topic: str
    body: str
    handle: Any
    """The subscriber's own."""


class Subscriber(Protocol):
    """Reads the test's own subscriptions to the `SUBSCRIBED` topics, which nobody else reads; empty at first."""

    def take(self, *, within_s: float = LATE_S) -> Received | None:
        """Return a message as soon as there is one, None when none has come by then."""
        ...

    def acknowledge(self, received: Received) -> None: ...

    def refuse(self, received: Received) -> None:
        """Ask for it to be delivered again at once."""
        ...

    def let_deadline_pass(self) -> None:
        """Return when what was taken so far and not acknowledged is due again."""
        ...


class PulledBus(Bus, Deliveries, Protocol):
    """Both sides of a bus."""


class Make(Protocol):
    """Returns one more client of the test's own bus, empty at first. It can be pickled: other processes call it."""

    def __call__(self, *, clock: Clock, subscriptions: Collection[str], visibility_s: float) -> PulledBus: ...


def client(make: Make, clock: Clock) -> PulledBus:
    return make(clock=clock, subscriptions=SUBSCRIBED, visibility_s=VISIBILITY_S)


def order(job_id: str = A, request: int = 1) -> StageRequested:
    return StageRequested(job_id=job_id, epoch=1, stage="pose", request=request)


def arrived(job_id: str = A) -> ObjectFinalized:
    return ObjectFinalized(bucket="uploads", name=f"uploads/{job_id}/source", generation="1", size_bytes=2)


def taken(bus: Deliveries, *, keys: Collection[str] | None = None) -> Delivery:
    delivery = bus.take(keys=keys)
    assert delivery is not None
    return delivery


class EventBusContract:
    """Claims about what is published on one bus and how it comes out."""

    @pytest.fixture
    def bus(self, new_bus: NewBus) -> Iterator[Bus]:
        with closing(new_bus()) as bus:
            yield bus

    def test_a_message_reaches_a_subscriber_as_it_was(self, bus: Bus, subscriber: Subscriber) -> None:
        for message in (order(), arrived()):
            bus.publish(message)
            received = taken_by(subscriber)
            assert (received.topic, parse(received.body)) == (message.topic, message)
            subscriber.acknowledge(received)

    def test_a_topic_nobody_subscribed_to_is_dropped(self, bus: Bus, subscriber: Subscriber) -> None:
        event = JobEvent(type="done", job_id=A, epoch=1, revision=1, n=1, state="done")
        for message in (event, StageDone(job_id=A, epoch=1, stage="pose")):
            bus.publish(message)
        assert subscriber.take(within_s=SOON_S) is None

    def test_dead_letters_need_no_subscription_and_are_not_delivered(self, bus: Bus, subscriber: Subscriber) -> None:
        bus.publish(DeadLetter(code="bad_message", reason="No.", original_topic="stage-requested", body="{"))
        assert subscriber.take(within_s=SOON_S) is None

    def test_a_message_published_twice_is_delivered_twice(self, bus: Bus, subscriber: Subscriber) -> None:
        bus.publish(order())
        bus.publish(order())
        for _ in range(2):
            received = taken_by(subscriber)
            assert parse(received.body) == order()
            subscriber.acknowledge(received)
        assert subscriber.take(within_s=SOON_S) is None

    def test_a_refused_message_comes_again(self, bus: Bus, subscriber: Subscriber) -> None:
        bus.publish(order())
        for _ in range(3):
            received = taken_by(subscriber)
            assert parse(received.body) == order()
            subscriber.refuse(received)

    def test_a_message_nobody_acknowledges_is_hidden_for_a_while_and_comes_again(
        self, bus: Bus, subscriber: Subscriber
    ) -> None:
        bus.publish(order())
        taken_by(subscriber)
        assert subscriber.take(within_s=SOON_S) is None
        subscriber.let_deadline_pass()
        assert parse(taken_by(subscriber).body) == order()

    def test_an_acknowledged_message_never_comes_again(self, bus: Bus, subscriber: Subscriber) -> None:
        bus.publish(order())
        subscriber.acknowledge(taken_by(subscriber))
        subscriber.let_deadline_pass()
        assert subscriber.take(within_s=SOON_S) is None

    def test_nothing_is_lost_when_many_threads_publish(self, bus: Bus, subscriber: Subscriber) -> None:
        race_in_threads(8, lambda number: publish_orders(bus, range(10 * number, 10 * number + 10)))
        wait_for_orders(subscriber, range(80))

    def test_nothing_is_lost_when_several_processes_publish(self, new_bus: NewBus, subscriber: Subscriber) -> None:
        race_in_processes(publish_from_here, [(new_bus, range(start, start + 10)) for start in (0, 10, 20)])
        wait_for_orders(subscriber, range(30))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Puller:
    """The subscriber of a bus that is pulled from: time passes by hand, and what is due is there at once."""

    bus: PulledBus
    clock: HandClock

    def take(self, *, within_s: float = LATE_S) -> Received | None:
        delivery = self.bus.take()
        if delivery is None:
            return None
        return Received(topic=delivery.topic, body=delivery.body, handle=delivery)

    def acknowledge(self, received: Received) -> None:
        self.bus.acknowledge(received.handle)

    def refuse(self, received: Received) -> None:
        self.bus.retry(received.handle, after_s=0.0)

    def let_deadline_pass(self) -> None:
        self.clock.forward(VISIBILITY_S)


class PulledBusContract(EventBusContract):
    """Claims about both sides of one bus."""

    @pytest.fixture
    def clock(self) -> HandClock:
        return HandClock()

    @pytest.fixture
    def new_bus(self, make: Make, clock: HandClock) -> NewBus:
        return partial(client, make, clock)

    @pytest.fixture
    def subscriber(self, make: Make, clock: HandClock) -> Subscriber:
        return _Puller(bus=client(make, clock), clock=clock)

    def test_a_message_reaches_another_client(self, make: Make, bus: PulledBus, clock: HandClock) -> None:
        bus.publish(order())
        delivery = taken(client(make, clock))
        assert (delivery.topic, parse(delivery.body), delivery.attempts) == ("stage-requested", order(), 1)

    def test_an_empty_bus_gives_nothing(self, bus: PulledBus) -> None:
        assert bus.take() is None
        assert bus.take(keys=[A]) is None

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


def taken_by(subscriber: Subscriber) -> Received:
    received = subscriber.take()
    assert received is not None
    return received


def publish_orders(bus: EventBus, requests: Collection[int]) -> None:
    for request in requests:
        bus.publish(order(request=request))


def publish_from_here(new_bus: NewBus, requests: Collection[int]) -> None:
    with closing(new_bus()) as bus:
        publish_orders(bus, requests)


def wait_for_orders(subscriber: Subscriber, requests: Collection[int]) -> None:
    """Take messages until all of these orders have come, some maybe twice."""
    missing = set(requests)
    while missing:
        received = taken_by(subscriber)
        subscriber.acknowledge(received)
        missing.discard(request_of(received))


def request_of(delivery: Delivery | Received) -> int:
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
