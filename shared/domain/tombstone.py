"""What is left of an erased job for a while: enough to know it again, and nothing to know it by."""

from hashlib import sha256

TOMBSTONE_S = 8 * 24 * 3600.0
"""An upload that was begun can be completed for a week, and a message is delivered for up to seven days."""


def tombstone_of(job_id: str) -> str:
    """Return the name of a job's tombstone: its id's SHA-256, which tells nobody the id."""
    return sha256(job_id.encode()).hexdigest()
