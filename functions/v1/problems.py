"""What went wrong, as RFC 9457 problem details: a stable code for programs, a sentence for people."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse

from functions.v1.rate_limit import TooManyRequests
from shared.errors import BadRequest, BadVideo, MontageError, NotAllowed, NotAuthenticated, NotFound, TryAgain

MEDIA_TYPE = "application/problem+json"
STATUS_OF_CODE: Mapping[str, int] = {
    "bad_json": 400,
    "source_not_allowed": 403,
    "no_such_source": 404,
    "already_ended": 409,
    "not_failed": 409,
    "not_done": 409,
    "request_conflict": 409,
    "erased": 410,
    "source_expired": 410,
    "edit_list_changed": 412,
    "body_too_large": 413,
    "too_large": 413,
    "not_json": 415,
    "no_if_match": 428,
    "too_many_requests": 429,
    "disk_full": 507,
    "newer_records": 503,
}
"""Where the family of an error does not say it all."""
TITLES: Mapping[int, str] = {413: "Content Too Large", 422: "Unprocessable Content"}
"""As RFC 9110 has them; Python's own words for these change with its version."""
RETRY_AFTER_S = 5


class Problem(Exception):
    """An answer of the API that is no success; routes raise it where no error of ours says it all."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def answer(self) -> JSONResponse:
        return problem(self.status, self.code, self.detail, headers=self.headers, **self.more)


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
        case TryAgain():
            return {"Retry-After": str(RETRY_AFTER_S)}
        case _:
            return {}


def problem_of(error: MontageError) -> JSONResponse:
    """Return the answer that tells of an error of ours; one whose status is 500 is nobody else's business."""
    errors = [{"file": each.file, "code": each.code, "detail": each.detail} for each in getattr(error, "errors", ())]
    more = {"errors": errors} if errors else {}
    return problem(status_of(error), error.code, error.message, headers=headers_of(error), **more)


def problem(
    status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
) -> JSONResponse:
    """Return the answer; `more` are members beside the standard's own, such as `state` or `trace_id`."""
    body = {**standard_members(status, code, detail), **more}
    return JSONResponse(body, status_code=status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def standard_members(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return the members that every problem has."""
    title = TITLES.get(status) or HTTPStatus(status).phrase
    return {"type": f"urn:montage:{code}", "title": title, "status": status, "code": code, "detail": detail}
