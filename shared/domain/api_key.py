"""Keys by which programs show who they are. The key itself is never stored, only its hash."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, get_args

Scope = Literal["upload", "read", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
"""upload: make jobs, and change or erase one's own; read: see one's own; admin: both, and of every owner."""

PREFIX = "montage_"  # so that people and scanners for leaked secrets know what they have before them
SECRET_BYTES = 32
ID_DIGITS = 12
KEY = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}")
OWNER = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


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

    @property
    def id(self) -> str:
        """What people call it by: the first digits of its hash, which tell nothing of the key."""
        return self.sha256[:ID_DIGITS]


def new_key() -> str:
    """Return a key that nobody can guess: 256 random bits behind the prefix, 51 characters in all."""
    return f"{PREFIX}{secrets.token_urlsafe(SECRET_BYTES)}"


def is_key(text: str) -> bool:
    """Return whether a text has the form of a key."""
    return KEY.fullmatch(text) is not None


def hash_of(key: str) -> str:
    """Return what is stored of a key. A key is random throughout, so that a slow hash would add nothing."""
    return sha256(key.encode()).hexdigest()


def checked_owner(owner: str) -> str:
    """Return the owner's name. Raises ValueError for one of another form."""
    if not OWNER.fullmatch(owner):
        raise ValueError(
            f"{owner!r} is no owner's name: 1 to 63 of a-z, 0-9, dot, underscore and hyphen, a letter or digit first"
        )
    return owner


def checked_scopes(words: Sequence[str]) -> tuple[Scope, ...]:
    """Return the scopes that the words name, each once, in their usual order. Raises ValueError."""
    unknown = sorted(set(words) - set(SCOPES))
    if unknown or not words:
        raise ValueError(f"scopes are {', '.join(SCOPES)}, not {', '.join(map(repr, unknown)) or 'none'}")
    return tuple(scope for scope in SCOPES if scope in words)


def revoked(key: ApiKey, *, at: float) -> ApiKey:
    """Return the key, revoked; one that is revoked already keeps its time."""
    return key if key.revoked_at is not None else replace(key, revoked_at=at)
