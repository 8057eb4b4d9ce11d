"""What a Pub/Sub push subscription posts to a handler: one of our messages, wrapped."""

from collections.abc import Mapping

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from shared.domain.messages import Message, parse


class PushedMessage(BaseModel):
    """A message as Pub/Sub carries it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    data: Base64Bytes = b""
    attributes: Mapping[str, str] = {}
    """CloudEvents' among them: `ce-id`, `ce-type`, `ce-subject` …"""
    message_id: str = Field(alias="messageId")


class PushEnvelope(BaseModel):
    """The body of a push request."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    message: PushedMessage
    subscription: str
    """In full: projects/…/subscriptions/…"""
    delivery_attempt: int | None = Field(default=None, alias="deliveryAttempt")
    """Counted, from 1, where the subscription has a dead-letter policy."""


def pushed_message(body: bytes | str) -> Message:
    """Return the message in a push request's body. Raises pydantic.ValidationError when it is none of ours."""
    return parse(PushEnvelope.model_validate_json(body).message.data)
