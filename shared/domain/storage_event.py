"""The data of Cloud Storage's CloudEvents, as far as we read it."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.messages import ObjectFinalized

FINALIZED = "google.cloud.storage.object.v1.finalized"


class StorageObjectData(BaseModel):
    """The object an event is about; its 64-bit numbers are strings in JSON."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    bucket: str
    name: str
    generation: str = Field(min_length=1)
    size: int = Field(default=0, ge=0)
    """In bytes; JSON of protocol buffers leaves a zero out."""


def finalized_object(data: Any) -> ObjectFinalized:
    """Return our message for an event's data. Raises pydantic.ValidationError when it is none of an object."""
    found = StorageObjectData.model_validate(data)
    return ObjectFinalized(bucket=found.bucket, name=found.name, generation=found.generation, size_bytes=found.size)
