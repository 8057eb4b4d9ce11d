"""What a signed address lets whoever holds it do."""

from dataclasses import dataclass
from typing import Literal

Action = Literal["begin", "put", "get"]
"""Begin an upload in parts, upload the whole object, or download it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One thing that may be done with one object."""

    action: Action
    name: str
    content_type: str = ""
    """Of an upload."""
    max_bytes: int = 0
    """Of an upload."""
    disposition: str = ""
    """Of a download: its Content-Disposition."""
