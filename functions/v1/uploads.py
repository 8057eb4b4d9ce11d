"""POST /v1/uploads: files are announced, and get jobs and signed addresses to be uploaded to."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from functions.v1.answers import json_answer, upload_told
from functions.v1.bodies import UploadsAsked, UploadsTold
from functions.v1.callers import Uploader
from functions.v1.context import api_of
from functions.v1.documented import WITH_BODY, json_body, problems
from functions.v1.requests import JsonBody, only, read_as
from shared.pipeline.begin_uploads import UploadsWanted, announced, begin_uploads

router = APIRouter(tags=["uploads"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any word of yours. The same one with the same body is the same batch, with fresh addresses.",
        examples=["8f14e45f-ceea-467f-a1c5-3d5b6c7f0a11"],
    ),
]
REFUSED = ("too_large", "bad_name", "empty_file", "wrong_type", "bad_files", "too_many_files")


@router.post(
    "/v1/uploads",
    operation_id="begin_uploads",
    summary="Announce files and get addresses to upload them to",
    status_code=201,
    response_model=UploadsTold,
    responses=problems(
        *WITH_BODY,
        *REFUSED,
        "unknown_option",
        "bad_option",
        "bad_parameter",
        "idempotency_key_reused",
        "erased",
        "disk_full",
    ),
    dependencies=[only()],
    openapi_extra=json_body("UploadsAsked"),
)
def post_uploads(
    request: Request, caller: Uploader, body: JsonBody, idempotency_key: IdempotencyKey = None
) -> Response:
    """Each file becomes a job of one batch, which begins as soon as the file is uploaded.

    Size, type, names, count and options are looked at before anything is made; what is wrong with files is told for
    all of them at once, in `errors`. With an Idempotency-Key it is safe to ask again.
    """
    api, asked = api_of(request), read_as(UploadsAsked, body)
    files = [
        announced(name=each.name, size_bytes=each.size_bytes, content_type=each.content_type) for each in asked.files
    ]
    begun = begin_uploads(
        api.cloud,
        api.signers.uploads,
        UploadsWanted(files=files, options=asked.options, labels=asked.labels, is_resumable=asked.resumable),
        owner=caller.owner,
        idempotency_key=idempotency_key,
        expires_s=api.settings.upload_url_expires_s,
        max_files=api.settings.max_files_per_batch,
    )
    told = UploadsTold(batch=begun.batch_id, jobs=[upload_told(each) for each in begun.uploads])
    return json_answer(told, status=201)
