"""What went wrong, as RFC 9457 problem details: a stable code for programs, a sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from functions.v1.rate_limit import TooManyRequests
from shared.errors import BadRequest, BadVideo, MontageError, NotAllowed, NotAuthenticated, NotFound, TryAgain

MEDIA_TYPE = "application/problem+json"
STATUS_OF_CODE: Mapping[str, int] = {
    "body_too_large": 413,
    "too_large": 413,
    "too_many_requests": 429,
    "disk_full": 507,
    "source_expired": 410,
    "edit_list_changed": 412,
    "no_if_match": 428,
}
"""Where the family of an error does not say it all."""


def status_of(error: MontageError) -> int:
    """Return the status that tells of an error of ours."""
    if error.code in STATUS_OF_CODE:
        return STATUS_OF_CODE[error.code]
    match error:
        case NotAuthenticated():
            return 401
        case NotAllowed():
            return 403
        case NotFound():
            return 404
        case BadRequest() | BadVideo():
            return 422
        case TryAgain():
            return 503
        case _:
            return 500


def headers_of(error: MontageError) -> dict[str, str]:
    """Return what an error of ours says in headers."""
    match error:
        case NotAuthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case TooManyRequests():
            return {"Retry-After": str(error.retry_after_s)}
        case _:
            return {}


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the answer; `more` are members beside the standard's own, such as `state` or `trace_id`."""
    body = {"type": f"urn:montage:{code}", "title": HTTPStatus(status).phrase, "status": status, "code": code}
    return JSONResponse(
        {**body, "detail": detail, **more}, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE
    )
