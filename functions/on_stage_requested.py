"""Pub/Sub: a stage wants an execution."""

from typing import TYPE_CHECKING

from functions.serving import Answer, answer_push
from shared.domain.messages import StageRequested
from shared.pipeline.launch_stage import launch_stage
from shared.ports import Cloud

if TYPE_CHECKING:
    from flask import Request


def on_stage_requested(request: "Request") -> Answer:
    """Answer a push of `stage-requested`."""
    return answer_push(request, "stage-requested", handle_stage_requested)


def handle_stage_requested(cloud: Cloud, body: str) -> None:
    """Launch the stage. Raises pydantic.ValidationError for a body that is no such message."""
    launch_stage(cloud, StageRequested.model_validate_json(body))
