"""Pub/Sub: a stage wants an execution."""

from shared.domain.messages import StageRequested
from shared.pipeline.launch_stage import launch_stage
from shared.ports import Cloud


def on_stage_requested(cloud: Cloud, body: str) -> None:
    """Launch the stage. Raises pydantic.ValidationError for a body that is no such message."""
    launch_stage(cloud, StageRequested.model_validate_json(body))
