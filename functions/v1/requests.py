"""What every route does with what it is sent: read a body within bounds, refuse words nobody knows, match tags."""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Path, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from functions.v1.bodies import BATCH_ID, JOB_ID
from functions.v1.callers import Caller, visible
from functions.v1.context import Api
from functions.v1.gates import MOST_BODY_BYTES
from shared.domain.job import Job
from shared.domain.refusals import refusal
from shared.errors import BadRequest, NotFound

ID = re.compile(r"[a-z2-7]{26}")
TAG = re.compile(r'"r([1-9][0-9]{0,8})"')
JSON_TYPE = re.compile(r"application/(?:[\w.+-]+\+)?json")

B = TypeVar("B", bound=BaseModel)

JobId = Annotated[str, Path(description="As told when the job was made.", examples=[JOB_ID])]
BatchId = Annotated[str, Path(description="As told when the batch was made.", examples=[BATCH_ID])]


async def _body(request: Request) -> bytes:
    """Return the body of a JSON request. Raises BadRequest `not_json`, `body_too_large`."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not JSON_TYPE.fullmatch(kind):
        raise BadRequest("not_json", "The body must be JSON, and Content-Type application/json must say so.")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MOST_BODY_BYTES:  # whatever Content-Length says, no more than this is ever held
            raise BadRequest("body_too_large", f"The body is larger than {MOST_BODY_BYTES} bytes.")
    return bytes(body)


JsonBody = Annotated[bytes, Depends(_body)]


def read_as(kind: type[B], body: bytes) -> B:
    """Return what the body asks for. Raises BadRequest `bad_json`, `unknown_option`, `bad_option`, `bad_source`, ..."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise BadRequest("bad_json", f"The body is no JSON: {_said(error)}.") from error
        raise BadRequest(*refusal(error, body="the body", code="bad_body")) from error


def read_any(body: bytes) -> Any:
    """Return the JSON value, whatever it is. Raises BadRequest `bad_json`, for halves of characters as well."""
    try:
        return from_json(body)
    except ValueError as error:
        raise BadRequest("bad_json", "The body is no JSON.") from error


def only(*known: str) -> Any:
    """Return a dependency that refuses query parameters other than these, which would be passed over in silence."""

    async def check(request: Request) -> None:
        for name in request.query_params:
            if name not in known:
                these = f"There are: {', '.join(known)}." if known else "There are none here."
                raise BadRequest("unknown_parameter", f"There is no query parameter {name[:80]!a}. {these}")

    checked: Callable[[Request], Awaitable[None]] = check
    return Depends(checked)


def job_of(api: Api, caller: Caller, job_id: str) -> Job:
    """Return a job the caller may see. Raises NotFound `unknown_job`; stores are only asked for ids of ours."""
    if not ID.fullmatch(job_id):
        raise NotFound(f"There is no job {job_id[:80]}.", code="unknown_job")
    return visible(api, caller, job_id)


def expected_revision(if_match: str | None, current: int) -> int:
    """Return the revision that somebody means to change.

    Raises BadRequest `no_if_match`, and `edit_list_changed` when it is none that can be the current one.
    """
    if if_match is None:
        sentence = "If-Match must hold the ETag of the job as you know it, so that nobody's edit is lost."
        raise BadRequest("no_if_match", sentence)
    tags = [each.strip() for each in if_match.split(",")]
    revisions = [int(match[1]) for each in tags if (match := TAG.fullmatch(each))]
    if "*" in tags or current in revisions:
        return current
    if revisions:  # an older one is right where the very same was asked for before, which is for others to tell
        return max(revisions)
    raise BadRequest("edit_list_changed", f'The job is at "r{current}", which If-Match does not name.')


def _said(error: ValidationError) -> str:
    return error.errors()[0]["msg"].removeprefix("Invalid JSON: ").rstrip(".")
