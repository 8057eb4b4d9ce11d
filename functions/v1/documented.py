"""How the OpenAPI document tells of what may go wrong: every status that can come, each with its codes."""

from collections.abc import Mapping
from typing import Any

from functions.v1.problems import MEDIA_TYPE, STATUS_OF_CODE, standard_members

SENTENCES: Mapping[str, tuple[int, str]] = {
    "not_authenticated": (401, "Send a key: Authorization: Bearer KEY."),
    "wrong_scope": (403, "This key may not do that; it would need the scope upload."),
    "wrong_origin": (403, "Pages of https://example.com may not call this API."),
    "source_not_allowed": (403, "Sources in the bucket league-footage are not allowed."),
    "unknown_job": (404, "There is no job nmzq3lkw5s7ah2dyxv4cot6bei."),
    "unknown_batch": (404, "There is no batch c7wq2p5xk4m3hznl6sydt2rvae."),
    "unknown_artifact": (404, "This job has no artifact trailer."),
    "no_such_source": (404, "There is no object gs://league-footage/match-17.mp4."),
    "no_video_stream": (404, "ride.mp4: no video stream (found: audio aac)"),
    "cancelled": (404, "The job was cancelled."),
    "erasing": (404, "The job is being erased."),
    "expired": (404, "The upload was never completed, so there is no reel."),
    "not_done": (409, "The job is analysing; there is no reel yet."),
    "already_ended": (409, "The job has ended; there is nothing to cancel."),
    "not_failed": (409, "Only a job that failed can be tried again."),
    "request_conflict": (
        409,
        "Another job was requested with this request_id; a request_id names one source, options and labels.",
    ),
    "erased": (410, "The job of this request_id was erased; ask for another one under another id."),
    "source_expired": (410, "The source is not kept any more."),
    "edit_list_changed": (412, 'The edit list was changed meanwhile: the job is at "r2".'),
    "too_large": (413, "File 0: it has 300000000000 bytes; 200000000000 are the most."),
    "body_too_large": (413, "The body is larger than 4194304 bytes."),
    "too_slow": (408, "The body had not arrived within 60 seconds; send it again."),
    "not_json": (415, "The body must be JSON, and Content-Type application/json must say so."),
    "bad_json": (400, "The body is no JSON: EOF while parsing an object at line 1 column 1."),
    "bad_body": (422, "files.0.size_bytes: Input should be a valid integer."),
    "bad_parameter": (422, "limit: Input should be less than or equal to 200."),
    "unknown_parameter": (422, "There is no query parameter 'page'."),
    "bad_page_token": (422, "The page token is damaged or belongs to another listing; begin again without it."),
    "unknown_option": (422, "There is no option speed."),
    "bad_option": (422, "options: target_s must lie between 1 second and 24 hours, not 0."),
    "bad_name": (
        422,
        "File 0: its name, without folders, must have 1 to 255 characters, none of them a control character.",
    ),
    "empty_file": (422, "File 0: it is empty."),
    "wrong_type": (422, "File 0: its type must be video/*, audio/*, application/mxf or application/octet-stream."),
    "bad_files": (422, "File 0: it is empty. And 1 more of the files cannot be taken."),
    "too_many_files": (422, "101 files were announced; 100 are the most in one batch. Ask for the others in another."),
    "idempotency_key_reused": (422, "Something else was asked for with this Idempotency-Key."),
    "bad_source": (422, "source must have the form gs://bucket/name, and at most 1300 characters."),
    "bad_edit_list": (422, "edit_list: clips.0: end_s must lie behind start_s."),
    "no_if_match": (428, "If-Match must hold the ETag of the job as you know it, so that nobody's edit is lost."),
    "wrong_host": (421, "Nothing here is called 'example.com'; MONTAGE_ALLOWED_HOSTS can name it."),
    "too_many_requests": (429, "This key has made too many requests; wait 12 seconds."),
    "internal": (500, "This failed unforeseen; the log says how."),
    "try_again": (503, "Something is busy; try again in a while."),
    "newer_records": (503, "The record was written by a newer Montage (schema 2, this one knows 1); update Montage."),
    "disk_full": (507, "The disk is nearly full."),
}
ALWAYS = ("wrong_host", "wrong_origin", "unknown_parameter", "too_many_requests", "internal")
WITH_KEY = ("not_authenticated", "wrong_scope", "try_again", "newer_records", *ALWAYS)
WITH_BODY = ("bad_json", "body_too_large", "not_json", "bad_body", "too_slow")
OPEN: Mapping[int, str] = {
    503: "Or with another code of ours, such as `record_busy`, that says what is busy: it passes, see `Retry-After`.",
}
"""What is said of a status whose codes are not all told, since whatever may pass by itself has one of its own."""


def problems(*codes: str, is_open: bool = False) -> dict[int | str, dict[str, Any]]:
    """Return the answers that tell of these codes and of those that any route has; `is_open` needs no key."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in dict.fromkeys((*codes, *(ALWAYS if is_open else WITH_KEY))):
        status, detail = SENTENCES[code]
        assert STATUS_OF_CODE.get(code, status) == status, code
        found.setdefault(status, {})[code] = {"value": standard_members(status, code, detail)}
    return {status: _answer(int(status), found[status]) for status in sorted(found, key=int)}


def _answer(status: int, examples: Mapping[str, Any]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": dict(examples)}}
    told = " ".join((f"With the code {_or(list(examples))}.", *filter(None, [OPEN.get(status)])))
    return {"description": told, "content": content}


def _or(codes: list[str]) -> str:
    quoted = [f"`{code}`" for code in codes]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"


def json_body(name: str) -> dict[str, Any]:
    """Return what says that an operation takes this body, which it reads by itself."""
    schema = {"$ref": f"#/components/schemas/{name}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def header(description: str, example: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}, "example": example}


ETAG = {"headers": {"ETag": header("The job's revision, for If-Match.", '"r1"')}}
LOCATION = {"headers": {"Location": header("The file's address, good for a while.", "https://storage.example/reel")}}
