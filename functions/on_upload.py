"""Storage event google.cloud.storage.object.v1.finalized: an upload is complete."""

from shared.domain.messages import ObjectFinalized
from shared.pipeline.receive_upload import receive_upload
from shared.ports import Cloud


def on_upload(cloud: Cloud, body: str) -> None:
    """Set the upload's job going. Raises pydantic.ValidationError for a body that is no such event."""
    receive_upload(cloud, ObjectFinalized.model_validate_json(body))
