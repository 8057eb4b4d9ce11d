"""Which job another system's request becomes: always the same one, so that duplicates meet."""

import base64
import hashlib
import hmac
import json

REQUESTS_OWNER = "job-requests"
"""Owns the jobs that came by message: whoever may publish to the topic may ask, and messages name nobody."""


def requested_job_id(server_key: bytes, *, owner: str, request_id: str) -> str:
    """Return the one job id of a request, which nobody can guess without the key: 26 characters of base32."""
    return _id(server_key, owner, request_id)


def requested_batch_ids(server_key: bytes, *, owner: str, request_id: str, files: int) -> tuple[str, tuple[str, ...]]:
    """Return the one batch id of a request for uploads and its files' job ids; none of them is another request's."""
    of_batch, *of_jobs = (_id(server_key, owner, request_id, "uploads", each) for each in range(files + 1))
    return of_batch, tuple(of_jobs)


def _id(server_key: bytes, *what: str | int) -> str:
    said = json.dumps(what).encode()
    return base64.b32encode(hmac.digest(server_key, said, hashlib.sha256)).decode().lower()[:26]
