"""Dead letters on Pub/Sub: they wait in the subscription `dead-letters` until somebody replays them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from google.api_core.exceptions import DeadlineExceeded, NotFound
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.types import ReceivedMessage
from pydantic import ValidationError

from shared.adapters.gcp.attempts import attempts_within
from shared.adapters.gcp.failures import translated
from shared.adapters.gcp.pubsub import event_attributes
from shared.domain.messages import HANDLED_TOPICS, DeadLetter, parse
from shared.errors import MontageError
from shared.ports import KeptLetter

TOPIC = "dead-letters"
PULLED_AT_ONCE = 1000  # Pub/Sub's most
MOST = 10_000  # letters held at once; more are a flood, of which these are enough to see what is wrong
PULL_S = 3.0  # a pull that finds nothing waits; what there is comes within a second
EMPTY_PULLS = 2  # one that finds nothing proves little: Pub/Sub asks only some of its servers
HELD_S = 120  # longer than it takes to pull and publish MOST letters; who is killed frees them after this
SUBSCRIPTION_OF_DEAD = "CloudPubSubDeadLetterSourceSubscription"
DELIVERIES_OF_DEAD = "CloudPubSubDeadLetterSourceDeliveryCount"
"""Attributes of what a push subscription's own dead-letter policy put here, as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    kept: KeptLetter
    ack_id: str


class PubSubDeadLetters:
    """The DeadLetters of a PubSubBus: the topic's and its subscription's name is `topic_prefix` and "dead-letters".

    Looking holds the letters for a moment and lets them go again; others who look meanwhile may not see them.
    """

    def __init__(
        self,
        subscriber: SubscriberClient,
        publisher: PublisherClient,
        *,
        project: str,
        topic_prefix: str,
        timeout_s: float,
    ) -> None:
        self._subscriber = subscriber
        self._publisher = publisher
        self._project = project
        self._topic_prefix = topic_prefix
        self._timeout_s = timeout_s
        self._attempts = attempts_within(timeout_s)
        self._subscription = f"projects/{project}/subscriptions/{topic_prefix}{TOPIC}"

    def list(self) -> Sequence[KeptLetter]:
        """Return the letters, oldest first. Raises MontageError `no_subscription`."""
        with self._held() as held:
            return [each.kept for each in held]

    def replay(self, ids: Collection[str] | None = None) -> Sequence[str]:
        """Publish these letters' bodies, or all, to their topics again, and return whose that was done to.

        A letter goes once Pub/Sub has its body; who is stopped in between leaves it to be replayed once more.
        """
        with self._held() as held:
            wanted = [each for each in held if ids is None or each.kept.id in ids]
            wanted = [each for each in wanted if each.kept.letter.original_topic in HANDLED_TOPICS]
            for each in wanted:
                self._publish(each.kept.letter)
                self._acknowledge(each)
        return [each.kept.id for each in wanted]

    def close(self) -> None:
        """Close the connections; what was published has arrived."""
        self._publisher.stop()
        self._publisher.transport.close()
        self._subscriber.close()

    @contextmanager
    def _held(self) -> Iterator[Sequence[_Held]]:
        """Yield what is in the subscription, oldest first, and let go of what was not acknowledged."""
        found: dict[str, _Held] = {}
        with translated(f"Looking at {self._subscription}"):
            try:
                try:
                    self._pull_into(found)
                    yield sorted(found.values(), key=lambda each: (each.kept.at, len(each.kept.id), each.kept.id))
                finally:
                    self._set_deadline([each.ack_id for each in found.values()], seconds=0)
            except NotFound as error:
                sentence = f"There is no Pub/Sub subscription {self._subscription}, or no topic to replay to."
                raise MontageError("no_subscription", sentence) from error

    def _pull_into(self, found: dict[str, _Held]) -> None:
        empty = 0
        while empty < EMPTY_PULLS and len(found) < MOST:
            pulled = self._pull()
            self._set_deadline([each.ack_id for each in pulled], seconds=HELD_S)
            new = {each.message.message_id: self._read(each) for each in pulled}
            empty = 0 if new.keys() - found.keys() else empty + 1
            found.update(new)

    def _pull(self) -> Sequence[ReceivedMessage]:
        try:
            answer = self._subscriber.pull(
                subscription=self._subscription, max_messages=PULLED_AT_ONCE, timeout=PULL_S, retry=None
            )
        except DeadlineExceeded:
            return ()
        return list(answer.received_messages)

    def _set_deadline(self, ack_ids: Sequence[str], *, seconds: int) -> None:
        for start in range(0, len(ack_ids), PULLED_AT_ONCE):
            self._subscriber.modify_ack_deadline(
                subscription=self._subscription,
                ack_ids=ack_ids[start : start + PULLED_AT_ONCE],
                ack_deadline_seconds=seconds,
                retry=self._attempts.retry,
                timeout=self._attempts.timeout_s,
            )

    def _acknowledge(self, held: _Held) -> None:
        self._subscriber.acknowledge(
            subscription=self._subscription,
            ack_ids=[held.ack_id],
            retry=self._attempts.retry,
            timeout=self._attempts.timeout_s,
        )

    def _publish(self, letter: DeadLetter) -> None:
        topic = f"projects/{self._project}/topics/{self._topic_prefix}{letter.original_topic}"
        answer = self._publisher.publish(
            topic,
            letter.body.encode(),
            retry=self._attempts.retry,
            timeout=self._attempts.timeout_s,
            **self._attributes(letter.body),
        )
        answer.result(self._timeout_s)

    def _attributes(self, body: str) -> Mapping[str, str]:
        """Return those that the bus gives to such a message; what is none of ours gets none."""
        try:
            return event_attributes(parse(body), project=self._project)
        except ValidationError:
            return {"content-type": "application/json"}

    def _read(self, received: ReceivedMessage) -> _Held:
        message = received.message
        body = message.data.decode(errors="replace")
        try:
            letter = DeadLetter.model_validate_json(body)
        except ValidationError:
            letter = self._given_up(body, message.attributes)
        kept = KeptLetter(id=message.message_id, letter=letter, at=message.publish_time.timestamp())
        return _Held(kept=kept, ack_id=received.ack_id)

    def _given_up(self, body: str, attributes: Mapping[str, str]) -> DeadLetter:
        """Return a message as a letter that a subscription's own policy put here; it was named after its topic."""
        subscription = attributes.get(SUBSCRIPTION_OF_DEAD, "")
        times = attributes.get(DELIVERIES_OF_DEAD, "many")
        return DeadLetter(
            code="gave_up",
            reason=f"Pub/Sub delivered it {times} times to {subscription or 'somebody'}, and it was never handled.",
            original_topic=subscription.removeprefix(self._topic_prefix),
            body=body,
        )
