"""Storage event google.cloud.storage.object.v1.finalized: an upload is complete."""

import json
import logging
from typing import TYPE_CHECKING

from functions.burial import HOPELESS, bury, code_of
from functions.serving import Answer, Headers, Process, answer, process
from shared.domain.messages import ObjectFinalized
from shared.domain.storage_event import FINALIZED, finalized_object
from shared.log import event as fields
from shared.pipeline.receive_upload import receive_upload
from shared.ports import Cloud

if TYPE_CHECKING:
    from cloudevents.http import CloudEvent

log = logging.getLogger(__name__)


def on_upload(event: "CloudEvent") -> None:
    """Take a CloudEvent. Raises werkzeug's HTTPException where Eventarc is to deliver it again.

    Who may send one is for Cloud Run to check: Eventarc's service account is the only invoker.
    """
    said, status, _ = answer(_headers(), "object-finalized", lambda: _take(event))
    if status >= 400:
        from flask import abort

        abort(status, description=str(said))


def handle_upload(cloud: Cloud, body: str) -> None:
    """Set the upload's job going. Raises pydantic.ValidationError for a body that is no such message."""
    receive_upload(cloud, ObjectFinalized.model_validate_json(body))


def _take(event: "CloudEvent") -> Answer:
    running = process()
    try:
        if event["type"] == FINALIZED:
            _receive(running, finalized_object(event.data))
        else:
            log.warning("no event of ours: %s", event["type"], extra=fields("upload_ignored"))
    except HOPELESS as error:
        body = json.dumps(event.data, default=repr)
        bury(running.cloud, topic="object-finalized", body=body, code=code_of(error), reason=str(error))
    return "", 200, {}


def _receive(running: Process, finalized: ObjectFinalized) -> None:
    uploads = running.settings.google.uploads_bucket
    if running.settings.cloud == "gcp" and finalized.bucket != uploads:
        log.warning("not in %s: %s/%s", uploads, finalized.bucket, finalized.name, extra=fields("upload_ignored"))
        return
    receive_upload(running.cloud, finalized)


def _headers() -> Headers:
    """Return the headers of the request that brought the event."""
    from flask import request

    return request.headers
