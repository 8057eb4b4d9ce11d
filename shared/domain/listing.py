"""Looking through jobs a page at a time, newest first.

A page's token says after which job the next page begins, not how many came before. So jobs that are added meanwhile
shift nothing, and the job it names may be gone.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from shared.domain.job import Job, JobState
from shared.domain.record import to_dict

DIGEST_BYTES = 9  # tells damage and other queries' tokens apart; keeps no secret: a token says less than the page did
LONGEST = 2000  # characters; ours have about 100 and an id may have 1500 bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQuery:
    """Which jobs to list; None stands for any."""

    owner: str | None = None
    batch: str | None = None
    state: JobState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs, newest first; those created at the same moment by falling id. A page in between may be short."""

    jobs: tuple[Job, ...]
    next_token: str | None
    """Asks for the jobs that come after these; None when there are none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The place of a job in the order of a listing."""

    created_at: float
    job_id: str


class BadPageToken(ValueError):
    """The token was damaged on its way, or belongs to another query."""


def page_of(found: Sequence[tuple[Place, Job | None]], query: JobQuery, *, limit: int) -> JobPage:
    """Return the page that begins with what was found: at most `limit`, or more to show that another page follows.

    Records that cannot be read (None) take room on a page and are not shown.
    """
    shown = found[:limit]
    token = page_token(query, shown[-1][0]) if len(found) > limit else None
    return JobPage(jobs=tuple(job for _, job in shown if job is not None), next_token=token)


def page_token(query: JobQuery, last: Place) -> str:
    """Return the token of the page after this place: letters, digits, "-" and "_" only."""
    body = json.dumps([last.created_at, last.job_id]).encode()
    return _text(_digest(query, body) + body)


def place_in(token: str, query: JobQuery) -> Place:
    """Return the place that `page_token` wrote down. Raises BadPageToken when it did not, or for another query."""
    try:
        raw = base64.b64decode(_padded(token), altchars=b"-_", validate=True)
        digest, body = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        if digest != _digest(query, body) or _text(raw) != token:
            raise ValueError("digest")
        created_at, job_id = json.loads(body)
        is_time = isinstance(created_at, int | float) and not isinstance(created_at, bool) and isfinite(created_at)
        created_at = float(created_at)  # integers may be larger than a database's
        if not (is_time and isinstance(job_id, str) and job_id.encode()):
            raise ValueError("types")
    except (
        ValueError,
        TypeError,
        OverflowError,
        RecursionError,
    ) as error:  # a digest without a key keeps nobody from making tokens
        raise BadPageToken(
            "The page token is damaged or belongs to another listing; begin again without it."
        ) from error
    return Place(created_at=created_at, job_id=job_id)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _padded(token: str) -> bytes:
    if len(token) > LONGEST:
        raise ValueError("too long")
    return token.encode("ascii") + b"=" * (-len(token) % 4)


def _digest(query: JobQuery, body: bytes) -> bytes:
    asked = json.dumps(to_dict(query), sort_keys=True).encode()
    return hashlib.sha256(asked + b"\0" + body).digest()[:DIGEST_BYTES]
