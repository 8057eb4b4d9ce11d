"""The functions' entry points in a few lines, for the emulated cloud until `functions/main.py` is there."""

import base64
import json
from functools import cache
from http import HTTPStatus
from typing import Any

from functions import on_stage_done as done
from functions import on_stage_requested as requested
from functions import watchdog as watching
from shared import log as logs
from shared.connect import connect
from shared.domain.messages import ObjectFinalized
from shared.errors import TryAgain
from shared.pipeline.receive_upload import receive_upload
from shared.ports import Cloud
from shared.settings import Settings


@cache
def cloud() -> Cloud:
    """Return this process's cloud."""
    logs.set_up()
    return connect(Settings())


def on_upload(event: Any) -> None:
    """Take a CloudEvent of a finalized object."""
    data = event.data
    receive_upload(
        cloud(),
        ObjectFinalized(
            bucket=data["bucket"], name=data["name"], generation=str(data["generation"]), size_bytes=int(data["size"])
        ),
    )


def on_stage_requested(request: Any) -> tuple[str, int]:
    """Take a push of a StageRequested."""
    return _handled(requested.on_stage_requested, request)


def on_stage_done(request: Any) -> tuple[str, int]:
    """Take a push of a StageDone."""
    return _handled(done.on_stage_done, request)


def watchdog(_: Any) -> tuple[str, int]:
    """Look after unfinished jobs."""
    watching.watchdog(cloud())
    return "", HTTPStatus.NO_CONTENT


def _handled(handle: Any, request: Any) -> tuple[str, int]:
    if not request.headers.get("Authorization", "").startswith("Bearer "):
        return "", HTTPStatus.UNAUTHORIZED
    try:
        handle(cloud(), base64.b64decode(json.loads(request.get_data())["message"]["data"]).decode())
    except TryAgain as error:
        return error.message, HTTPStatus.SERVICE_UNAVAILABLE
    return "", HTTPStatus.NO_CONTENT
