"""Messages on Pub/Sub: published here; push subscriptions carry them to the functions, and to other systems."""

import hashlib
import uuid
from collections.abc import Mapping
from concurrent.futures import Future, wait

from google.api_core.exceptions import NotFound
from google.cloud.pubsub_v1 import PublisherClient
from google.cloud.pubsub_v1.publisher.exceptions import FlowControlLimitError

from shared.adapters.gcp.attempts import attempts_within
from shared.adapters.gcp.failures import translated
from shared.domain.messages import (
    DeadLetter,
    JobEvent,
    JobRequested,
    Message,
    ObjectFinalized,
    StageDone,
    StageRequested,
    job_id_of,
)
from shared.errors import MontageError, TryAgain

MOST_BYTES = 9_900_000  # Pub/Sub takes requests of 10 MB; attributes and framing are below 100 kB
KEPT_CHARACTERS = 100_000  # of a dead letter's body: enough to recognise it, 0.6 MB of JSON at the most


class PubSubBus:
    """An EventBus on Pub/Sub, for any number of threads.

    A topic's name is `topic_prefix` and the message's topic. The topic must be there (Terraform makes all of them), or
    `publish` raises MontageError `no_topic`; a topic without subscriptions drops what it gets. What is delivered is the
    message's JSON with CloudEvents' attributes.
    """

    def __init__(self, publisher: PublisherClient, *, project: str, topic_prefix: str, timeout_s: float) -> None:
        self._publisher = publisher
        self._project = project
        self._topic_prefix = topic_prefix
        self._timeout_s = timeout_s
        self._attempts = attempts_within(timeout_s)
        self._unanswered: set[Future[str]] = set()
        self._is_closed = False

    def publish(self, message: Message) -> None:
        """Return once Pub/Sub has the message, which may then be there twice.

        Raises TryAgain when that took too long (the message may arrive all the same), and MontageError
        `message_too_large`; a dead letter is cut instead, so that it can always be published.
        """
        if self._is_closed:
            raise TryAgain("This process takes no more messages.", code="closing")
        topic = f"projects/{self._project}/topics/{self._topic_prefix}{message.topic}"
        with translated(f"Publishing to {topic}"):
            try:
                self._publish(topic, message)
            except NotFound as error:
                sentence = f"There is no Pub/Sub topic {topic}: apply infra/, or correct MONTAGE_GOOGLE_TOPIC_PREFIX."
                raise MontageError("no_topic", sentence) from error
            except FlowControlLimitError as error:
                raise TryAgain(f"Too many messages wait to be published to {topic}.", "cloud_unavailable") from error
            except TimeoutError as error:
                sentence = f"Publishing to {topic} got no answer within {self._timeout_s:g} s."
                raise TryAgain(sentence, "cloud_unavailable") from error

    def close(self) -> None:
        """Take no more messages, and wait until Pub/Sub has those of other threads, or they are given up."""
        if not self._is_closed:
            self._is_closed = True
            self._publisher.stop()
        wait(list(self._unanswered), self._timeout_s)

    def _publish(self, topic: str, message: Message) -> None:
        body = _fitting(message).model_dump_json().encode()
        if len(body) > MOST_BYTES:
            sentence = f"A message of {len(body)} bytes is too large for {topic}: {MOST_BYTES} are the most."
            raise MontageError("message_too_large", sentence)
        try:
            answer = self._publisher.publish(
                topic,
                body,
                retry=self._attempts.retry,
                timeout=self._attempts.timeout_s,
                **event_attributes(message, project=self._project),
            )
        except RuntimeError as error:  # another thread has closed it since `publish` looked
            raise TryAgain("The bus is being closed.", code="closing") from error
        self._unanswered.add(answer)
        try:
            answer.result(self._timeout_s)
        finally:
            self._unanswered.discard(answer)


def event_attributes(message: Message, *, project: str) -> Mapping[str, str]:
    """Return a message's attributes by CloudEvents' Pub/Sub binding, binary mode.

    https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
    Subscriptions can filter by `ce-type` and by `ce-subject`, the job. There is no `ce-time`: messages carry none, and
    Pub/Sub adds when it got them.
    """
    job_id = job_id_of(message)
    subject = {} if job_id is None else {"ce-subject": job_id}
    return {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-type": _type_of(message),
        "ce-source": f"//montage/projects/{project}",
        "ce-id": _id_of(message),
        **subject,
    }


def _fitting(message: Message) -> Message:
    if isinstance(message, DeadLetter):
        return message.model_copy(update={"body": message.body[:KEPT_CHARACTERS]})
    return message


def _type_of(message: Message) -> str:
    match message:
        case JobEvent():
            return f"montage.job.{message.type}.v1"
        case StageRequested():
            return "montage.stage.requested.v1"
        case StageDone():
            return "montage.stage.done.v1"
        case JobRequested():
            return "montage.job.requested.v1"
        case ObjectFinalized():
            return "montage.object.finalized.v1"  # Google's type of that name promises Google's data
        case DeadLetter():
            return "montage.message.dead.v1"


def _id_of(message: Message) -> str:
    """Return the same id for the same event only: receivers may drop what they have seen.

    A value may have 1024 bytes, which an object's name alone may fill: hence digests.
    """
    match message:
        case JobEvent():
            return message.event_id
        case StageRequested():
            return f"{message.job_id}/{message.epoch}/{message.stage}/requested/{message.request}"
        case StageDone():
            return str(uuid.uuid4())  # the merge stage is done once per revision, in the very same words
        case ObjectFinalized() | JobRequested() | DeadLetter():
            return hashlib.sha256(message.model_dump_json().encode()).hexdigest()
