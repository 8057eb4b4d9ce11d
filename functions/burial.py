"""What becomes of a message that can never be handled: it is published to `dead-letters`, with the reason."""

import logging

from pydantic import ValidationError

from shared.domain.messages import DeadLetter
from shared.errors import BadRequest, MontageError, NotFound
from shared.log import event
from shared.ports import Cloud

log = logging.getLogger(__name__)

HOPELESS = (ValidationError, BadRequest, NotFound)
"""What a handler raises for a message that no second delivery will mend."""


def code_of(error: Exception) -> str:
    """Return the stable code that goes with a hopeless message."""
    return error.code if isinstance(error, MontageError) else "malformed"


def bury(cloud: Cloud, *, topic: str, body: str, code: str, reason: str) -> None:
    """Publish the dead letter; once this returns the message may be acknowledged."""
    log.error("dead letter: %s", reason, extra=event("dead_letter", topic=topic, code=code))
    cloud.bus.publish(DeadLetter(code=code, reason=reason, original_topic=topic, body=body))
