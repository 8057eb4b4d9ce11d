"""Keys by which programs show who they are. The key itself is never stored, only its hash."""

from dataclasses import dataclass, replace
from typing import Literal

Scope = Literal["upload", "read", "admin"]
SCOPES: tuple[Scope, ...] = ("upload", "read", "admin")
"""upload: make jobs, and change or erase one's own; read: see one's own; admin: both, and of every owner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """The record of one key."""

    sha256: str
    """Hash of the key, in lower-case hexadecimal digits."""
    owner: str
    name: str
    """What its owner calls it, to tell it from others."""
    created_at: float
    scopes: tuple[Scope, ...] = ("read",)
    revoked_at: float | None = None
    """When it ceased to count; a revoked key stays on record."""


def revoked(key: ApiKey, *, at: float) -> ApiKey:
    """Return the key, revoked; one that is revoked already keeps its time."""
    return key if key.revoked_at is not None else replace(key, revoked_at=at)
