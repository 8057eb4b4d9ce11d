import base64
import json

import pytest
from pydantic import ValidationError

from shared.domain.messages import StageDone
from shared.domain.push_envelope import PushEnvelope, pushed_message

MESSAGE = StageDone(job_id="ä" * 3, epoch=1, stage="pose")


def envelope(data: str | None, **more: object) -> str:
    message = {"messageId": "7", "message_id": "7", "publishTime": "2026-01-01T00:00:00Z"}
    inner = message if data is None else {**message, "data": data}
    return json.dumps({"message": inner, "subscription": "projects/p/subscriptions/s", **more})


def wrapped(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_the_message_comes_out_of_the_envelope_as_it_went_in() -> None:
    assert pushed_message(envelope(wrapped(MESSAGE.model_dump_json()))) == MESSAGE


def test_attempts_are_told_when_pubsub_counts_them() -> None:
    assert PushEnvelope.model_validate_json(envelope("", deliveryAttempt=3)).delivery_attempt == 3
    assert PushEnvelope.model_validate_json(envelope("")).delivery_attempt is None


@pytest.mark.parametrize("body", ["", "{}", "[]", '{"message": {}}', envelope(None), envelope("!"), envelope("e30=")])
def test_what_holds_no_message_of_ours_is_refused(body: str) -> None:
    with pytest.raises(ValidationError):
        pushed_message(body)
