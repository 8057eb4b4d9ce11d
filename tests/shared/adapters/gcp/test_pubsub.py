import queue
import re
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from typing import Any, get_args

import grpc
import pytest
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import SubscriberClient
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PublishRequest, PublishResponse

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.pubsub import KEPT_CHARACTERS, PubSubBus, event_attributes
from shared.domain import messages
from shared.domain.messages import DeadLetter, JobEvent, JobRequested, Message, ObjectFinalized, StageDone, parse
from shared.domain.push_envelope import PushEnvelope, pushed_message
from shared.errors import MontageError, TryAgain
from shared.settings import GoogleSettings
from tests.contracts.event_bus import (
    LATE_S,
    SUBSCRIBED,
    EventBusContract,
    NewBus,
    Received,
    Subscriber,
    arrived,
    order,
    taken_by,
)
from tests.contracts.racing import race_in_threads

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

PROJECT = "montage-test"
TOPICS = ("object-finalized", "stage-requested", "stage-done", "job-requests", "job-events", "dead-letters")
DEADLINE_S = 10  # Pub/Sub's least for a subscription; the deadline of one message may be brought forward to 1 s
EVENT = JobEvent(type="done", job_id="a" * 26, epoch=2, revision=3, n=1, state="done", labels={"ä": "ö"})
LETTER = DeadLetter(code="bad_message", reason="No.", original_topic="stage-requested", body="{")


class ClosingBus(PubSubBus):
    """A bus with clients of its own, closed with it."""

    def __init__(self, host: str, *, topic_prefix: str = "", timeout_s: float = 20.0) -> None:
        self.clients = GoogleClients(GoogleSettings(pubsub_emulator_host=host))
        super().__init__(self.clients.publisher, project=PROJECT, topic_prefix=topic_prefix, timeout_s=timeout_s)

    def close(self) -> None:
        super().close()
        self.clients.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSubscriber:
    """Pulls from a fresh subscription of each topic; see tests/contracts/event_bus.py."""

    client: SubscriberClient
    subscriptions: dict[str, str]
    """By topic."""
    taken: list[Received] = field(default_factory=list)

    def take(self, *, within_s: float = LATE_S) -> Received | None:
        """Ask one subscription after the other; the emulator often says at once that there is nothing."""
        give_up_at = time.monotonic() + within_s
        for topic, subscription in cycle(self.subscriptions.items()):
            with suppress(DeadlineExceeded):
                for found in self._pull(subscription):
                    received = Received(
                        topic=topic, body=found.message.data.decode(), handle=(subscription, found.ack_id)
                    )
                    self.taken.append(received)
                    return received
            if time.monotonic() > give_up_at:
                return None
            time.sleep(0.01)
        return None

    def acknowledge(self, received: Received) -> None:
        subscription, ack_id = received.handle
        self.client.acknowledge(subscription=subscription, ack_ids=[ack_id], timeout=5.0)

    def refuse(self, received: Received) -> None:
        self._set_deadline(received, 0)

    def let_deadline_pass(self) -> None:
        """Bring the deadlines forward; that is nothing to a message that was acknowledged."""
        for received in self.taken:
            self._set_deadline(received, 1)
        time.sleep(1.2)

    def _pull(self, subscription: str) -> list[Any]:
        answer = self.client.pull(subscription=subscription, max_messages=1, timeout=0.2, retry=None)
        return list(answer.received_messages)

    def _set_deadline(self, received: Received, seconds: int) -> None:
        subscription, ack_id = received.handle
        self.client.modify_ack_deadline(
            subscription=subscription, ack_ids=[ack_id], ack_deadline_seconds=seconds, timeout=5.0
        )


@pytest.fixture
def prefix(pubsub_host: str) -> str:
    """Return the prefix of topics that are the test's own."""
    prefix = f"t{secrets.token_hex(4)}-"
    clients = GoogleClients(GoogleSettings(pubsub_emulator_host=pubsub_host))
    for topic in TOPICS:
        clients.publisher.create_topic(name=f"projects/{PROJECT}/topics/{prefix}{topic}")
    clients.close()
    return prefix


@pytest.fixture
def subscriptions(pubsub_host: str) -> Iterator[SubscriberClient]:
    client = SubscriberClient(transport=SubscriberGrpcTransport(channel=grpc.insecure_channel(pubsub_host)))
    with closing(client):
        yield client


@pytest.fixture
def subscribe(subscriptions: SubscriberClient, prefix: str) -> Callable[..., Subscriber]:
    """Return what subscribes to topics of the test's own, to pull from, or to be pushed to an address."""

    def subscribe_to(*topics: str, push_to: str = "") -> Subscriber:
        names = {topic: f"projects/{PROJECT}/subscriptions/{prefix}{topic}" for topic in topics}
        for topic, name in names.items():
            request = {
                "name": name,
                "topic": f"projects/{PROJECT}/topics/{prefix}{topic}",
                "ack_deadline_seconds": DEADLINE_S,
                "push_config": {"push_endpoint": push_to},
            }
            subscriptions.create_subscription(request=request)
        return PullSubscriber(client=subscriptions, subscriptions=names)

    return subscribe_to


@pytest.fixture
def new_bus(pubsub_host: str, prefix: str) -> NewBus:
    return partial(ClosingBus, pubsub_host, topic_prefix=prefix)


class TestPubSubBus(EventBusContract):
    @pytest.fixture
    def subscriber(self, subscribe: Callable[..., Subscriber]) -> Subscriber:
        return subscribe(*SUBSCRIBED)


def test_the_topics_are_those_of_the_messages() -> None:
    assert {kind.model_fields["topic"].default for kind in get_args(get_args(Message)[0])} == set(TOPICS)


def test_a_subscription_made_later_gets_nothing_of_what_was_published_before(
    new_bus: NewBus, subscribe: Callable[..., Subscriber]
) -> None:
    with closing(new_bus()) as bus:
        bus.publish(EVENT)
        subscriber = subscribe("job-events")
        bus.publish(EVENT.model_copy(update={"n": 2}))
    received = taken_by(subscriber)
    assert parse(received.body) == EVENT.model_copy(update={"n": 2})
    subscriber.acknowledge(received)
    assert subscriber.take(within_s=0.3) is None


def test_a_missing_topic_is_named(pubsub_host: str) -> None:
    with closing(ClosingBus(pubsub_host, topic_prefix="nowhere-")) as bus:
        with pytest.raises(MontageError, match="nowhere-stage-requested") as caught:
            bus.publish(order())
        assert caught.value.code == "no_topic"
        assert not isinstance(caught.value, TryAgain)


def test_a_message_that_pubsub_would_not_take_is_refused(new_bus: NewBus) -> None:
    with closing(new_bus()) as bus, pytest.raises(MontageError, match="too large") as caught:
        bus.publish(EVENT.model_copy(update={"state": "x" * 25_000_000}))
    assert caught.value.code == "message_too_large"


def test_a_dead_letter_is_cut_where_pubsub_would_not_take_it(
    new_bus: NewBus, subscribe: Callable[..., Subscriber]
) -> None:
    subscriber = subscribe("dead-letters")
    with closing(new_bus()) as bus:
        bus.publish(LETTER.model_copy(update={"body": "\0" * 10_000_000}))
    letter = parse(taken_by(subscriber).body)
    assert letter == LETTER.model_copy(update={"body": "\0" * KEPT_CHARACTERS})


def test_a_closed_bus_takes_no_more_messages(new_bus: NewBus) -> None:
    bus = new_bus()
    bus.close()
    bus.close()
    with pytest.raises(TryAgain, match="no more"):
        bus.publish(order())


# Attributes


def test_a_job_event_carries_what_others_dedupe_and_filter_by() -> None:
    assert event_attributes(EVENT, project="p") == {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-type": "montage.job.done.v1",
        "ce-source": "//montage/projects/p",
        "ce-id": f"{'a' * 26}/2/3/done/1",
        "ce-subject": "a" * 26,
    }


@pytest.mark.parametrize(
    "message",
    [
        EVENT,
        LETTER,
        order(),
        StageDone(job_id="a" * 26, epoch=1, stage="merge"),
        JobRequested(request_id="ä" * 200, source=f"gs://footage/{'ä' * 512}"),
        ObjectFinalized(bucket="b" * 222, name="ä" * 512, generation="1" * 16, size_bytes=2),
    ],
)
def test_attributes_are_what_pubsub_takes(message: messages.Message) -> None:
    for key, value in event_attributes(message, project="p" * 30).items():
        assert re.fullmatch(r"(?!goog)[a-z-]{1,256}", key)
        assert 0 < len(value.encode()) <= 1024


def test_only_the_same_event_has_the_same_id() -> None:
    again = [event_attributes(message, project="p")["ce-id"] for message in (order(), arrived(), LETTER, EVENT)]
    assert again == [event_attributes(message, project="p")["ce-id"] for message in (order(), arrived(), LETTER, EVENT)]
    others: list[Message] = [order(request=2), arrived("b" * 26), LETTER.model_copy(update={"body": "}"})]
    ids = [*again, *(event_attributes(message, project="p")["ce-id"] for message in others)]
    assert len(set(ids)) == len(ids)
    done = StageDone(job_id="a" * 26, epoch=1, stage="merge")  # of one revision, and of the next
    assert event_attributes(done, project="p") != event_attributes(done, project="p")


# Push


@contextmanager
def http_server(status: Iterator[int]) -> Iterator[tuple[str, "queue.Queue[bytes]"]]:
    """Yield the address of a server and the bodies posted to it, which it answers with the next status."""
    bodies: queue.Queue[bytes] = queue.Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.put(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(next(status))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", bodies
        finally:
            server.shutdown()


def test_a_message_is_pushed_until_its_handler_says_yes(new_bus: NewBus, subscribe: Callable[..., Subscriber]) -> None:
    with http_server(iter([500, 204])) as (address, bodies), closing(new_bus()) as bus:
        subscribe("job-events", push_to=address)
        bus.publish(EVENT)
        first, second = (bodies.get(timeout=20.0) for _ in range(2))
        assert pushed_message(first) == pushed_message(second) == EVENT
        envelope = PushEnvelope.model_validate_json(second)
        assert envelope.message.attributes == event_attributes(EVENT, project=PROJECT)
        assert envelope.subscription.endswith("-job-events")
        with pytest.raises(queue.Empty):
            bodies.get(timeout=1.5)


# Trouble


@dataclass
class Publisher:
    """Pub/Sub's publishing side, out of order for so many calls."""

    refusals: int = 0
    status: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE
    calls: int = 0
    seen: Counter[bytes] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def publish(self, request: Any, context: Any) -> Any:
        with self.lock:
            self.calls += 1
            if self.calls <= self.refusals:
                context.abort(self.status, "not now")
            self.seen.update(message.data for message in request.messages)
            return PublishResponse(message_ids=["1"] * len(request.messages))


@contextmanager
def serving(publisher: Publisher) -> Iterator[str]:
    handler = grpc.unary_unary_rpc_method_handler(
        publisher.publish,
        request_deserializer=PublishRequest.deserialize,
        response_serializer=PublishResponse.serialize,
    )
    server = grpc.server(ThreadPoolExecutor(4))
    services = [grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": handler})]
    server.add_generic_rpc_handlers(services)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.INTERNAL])
def test_trouble_that_passes_is_sat_out(status: grpc.StatusCode) -> None:
    publisher = Publisher(refusals=2, status=status)
    with serving(publisher) as host, closing(ClosingBus(host)) as bus:
        bus.publish(order())
    assert (publisher.calls, sum(publisher.seen.values())) == (3, 1)


def test_missing_rights_are_not_asked_for_again() -> None:
    publisher = Publisher(refusals=100, status=grpc.StatusCode.PERMISSION_DENIED)
    with serving(publisher) as host, closing(ClosingBus(host)) as bus:
        with pytest.raises(MontageError) as caught:
            bus.publish(order())
        assert (caught.value.code, publisher.calls) == ("not_allowed", 1)


def test_trouble_that_lasts_is_worth_another_try_in_the_end() -> None:
    publisher = Publisher(refusals=10**6)
    with serving(publisher) as host, closing(ClosingBus(host, timeout_s=1.0)) as bus:
        with pytest.raises(TryAgain, match="stage-requested failed for now"):
            bus.publish(order())
        assert publisher.calls > 1


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        host = f"127.0.0.1:{deaf.getsockname()[1]}"
        with closing(ClosingBus(host, timeout_s=1.0)) as bus, pytest.raises(TryAgain) as caught:
            bus.publish(order())
    assert caught.value.code == "cloud_unavailable"


def test_threads_that_publish_at_once_share_calls() -> None:
    publisher = Publisher()
    with serving(publisher) as host, closing(ClosingBus(host)) as bus:
        race_in_threads(32, lambda number: bus.publish(order(request=number)))
    assert len(publisher.seen) == 32
    assert publisher.calls < 32


def test_closing_waits_for_what_other_threads_publish() -> None:
    publisher = Publisher(refusals=2)
    with serving(publisher) as host, ThreadPoolExecutor(1) as pool:
        bus = ClosingBus(host)
        answer = pool.submit(bus.publish, order())
        while publisher.calls == 0:
            time.sleep(0.01)
        bus.close()
        answer.result(0.5)
    assert sum(publisher.seen.values()) == 1
