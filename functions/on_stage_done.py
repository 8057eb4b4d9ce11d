"""Pub/Sub: a stage's chunks have all ended."""

from shared.domain.messages import StageDone
from shared.errors import NotFound
from shared.pipeline.reconcile import reconcile
from shared.ports import Cloud


def on_stage_done(cloud: Cloud, body: str) -> None:
    """Look what the job needs next. Raises pydantic.ValidationError for a body that is no such message."""
    hint = StageDone.model_validate_json(body)
    try:
        reconcile(cloud, hint.job_id)
    except NotFound:
        return  # the job was erased meanwhile
