"""Pub/Sub: a stage's chunks have all ended."""

from typing import TYPE_CHECKING

from functions.serving import Answer, answer_push
from shared.domain.messages import StageDone
from shared.errors import NotFound
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud

if TYPE_CHECKING:
    from flask import Request


def on_stage_done(request: "Request") -> Answer:
    """Answer a push of `stage-done`."""
    return answer_push(request, "stage-done", handle_stage_done)


def handle_stage_done(cloud: Cloud, body: str) -> None:
    """Look what the job needs next. Raises pydantic.ValidationError for a body that is no such message."""
    hint = StageDone.model_validate_json(body)
    try:
        reconcile(cloud, hint.job_id)
    except NotFound:
        return  # the job was erased meanwhile
