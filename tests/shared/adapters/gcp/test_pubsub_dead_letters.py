import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from google.api_core.exceptions import DeadlineExceeded

from shared.adapters.gcp import pubsub_dead_letters
from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.pubsub import PubSubBus
from shared.adapters.gcp.pubsub_dead_letters import PubSubDeadLetters
from shared.domain.messages import DeadLetter
from shared.errors import MontageError
from shared.ports import DeadLetters, EventBus
from shared.settings import GoogleSettings
from tests.contracts.dead_letters import CameBack, DeadLettersContract, letter

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

PROJECT = "montage-test"
TOPICS = ("dead-letters", "job-requests", "stage-done")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Topics and subscriptions of the test's own."""

    clients: GoogleClients
    prefix: str

    def topic(self, name: str) -> str:
        return f"projects/{PROJECT}/topics/{self.prefix}{name}"

    def subscription(self, name: str) -> str:
        return f"projects/{PROJECT}/subscriptions/{self.prefix}{name}"


@pytest.fixture
def place(pubsub_host: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(pubsub_dead_letters, "PULL_S", 0.3)  # the emulator answers within milliseconds
    with closing(GoogleClients(GoogleSettings(project=PROJECT, pubsub_emulator_host=pubsub_host))) as clients:
        place = Place(clients=clients, prefix=f"t{secrets.token_hex(4)}-")
        for name in TOPICS:
            clients.publisher.create_topic(name=place.topic(name))
            request = {"name": place.subscription(name), "topic": place.topic(name), "ack_deadline_seconds": 10}
            clients.subscriber.create_subscription(request=request)
        yield place
        clients.publisher.stop()


@pytest.fixture
def bus(place: Place) -> EventBus:
    return PubSubBus(place.clients.publisher, project=PROJECT, topic_prefix=place.prefix, timeout_s=20.0)


@pytest.fixture
def letters(place: Place) -> DeadLetters:
    return letters_of(place, place.prefix)


def letters_of(place: Place, prefix: str) -> DeadLetters:
    clients = place.clients
    return PubSubDeadLetters(
        clients.subscriber, clients.publisher, project=PROJECT, topic_prefix=prefix, timeout_s=20.0
    )


@pytest.fixture
def came_back(place: Place) -> CameBack:
    def take(topic: str) -> str | None:
        try:
            answer = place.clients.subscriber.pull(
                subscription=place.subscription(topic), max_messages=1, timeout=0.5, retry=None
            )
        except DeadlineExceeded:
            return None
        for received in answer.received_messages:
            place.clients.subscriber.acknowledge(
                subscription=place.subscription(topic), ack_ids=[received.ack_id], timeout=5.0
            )
            return str(received.message.data, "utf-8")
        return None

    return take


class TestPubSubDeadLetters(DeadLettersContract):
    """The contract, on Google's emulator."""


def test_what_a_push_subscription_gave_up_is_a_letter_too(
    place: Place, letters: DeadLetters, came_back: CameBack
) -> None:
    attributes = {
        "CloudPubSubDeadLetterSourceSubscription": f"{place.prefix}job-requests",
        "CloudPubSubDeadLetterSourceDeliveryCount": "5",
    }
    place.clients.publisher.publish(place.topic("dead-letters"), b'{"request_id": "1"}', **attributes).result(5)
    (kept,) = letters.list()
    assert kept.letter == DeadLetter(
        code="gave_up",
        reason=f"Pub/Sub delivered it 5 times to {place.prefix}job-requests, and it was never handled.",
        original_topic="job-requests",
        body='{"request_id": "1"}',
    )
    assert letters.replay([kept.id]) == [kept.id]
    assert came_back("job-requests") == '{"request_id": "1"}'


def test_a_letter_whose_topic_is_gone_stays(place: Place, bus: EventBus, letters: DeadLetters) -> None:
    bus.publish(letter(topic="stage-requested"))
    with pytest.raises(MontageError) as caught:
        letters.replay()
    assert caught.value.code == "no_subscription"
    assert len(letters.list()) == 1


def test_a_missing_subscription_is_named(place: Place) -> None:
    with pytest.raises(MontageError, match="t-none-dead-letters"):
        letters_of(place, "t-none-").list()
