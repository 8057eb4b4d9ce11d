"""What is known of an upload in parts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadSession:
    """What is known of an upload beside its bytes."""

    name: str
    content_type: str
    max_bytes: int
    began_at: float
    total_bytes: int | None = None
    """How large the object will be; None as long as its sender has not said so."""
    etag: str | None = None
    """Of the object, once it is there."""
    refusal: tuple[str, str] | None = None
    """Code and sentence: why it can never be completed."""
