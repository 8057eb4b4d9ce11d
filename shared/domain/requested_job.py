"""Which job another system's request becomes: always the same one, so that duplicates meet."""

import base64
import hashlib
import hmac
import json

REQUESTS_OWNER = "job-requests"
"""Owns the jobs that came by message: whoever may publish to the topic may ask, and messages name nobody."""


def requested_job_id(server_key: bytes, *, owner: str, request_id: str) -> str:
    """Return the one job id of a request, which nobody can guess without the key: 26 characters of base32."""
    said = json.dumps([owner, request_id]).encode()
    return base64.b32encode(hmac.digest(server_key, said, hashlib.sha256)).decode().lower()[:26]
