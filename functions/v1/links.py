"""GET /v1/jobs/{job}/links: signed addresses as JSON."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from functions.v1.answers import json_answer
from functions.v1.bodies import LinksTold, LinkTold, moment
from functions.v1.callers import Reader
from functions.v1.context import Api, api_of
from functions.v1.documented import problems
from functions.v1.downloads import (
    SOURCE,
    artifact_url,
    demand_artifact,
    demand_not_erasing,
    source_url,
    stored_source,
)
from functions.v1.problems import Problem
from functions.v1.requests import JobId, job_of, only
from shared.domain.content_types import content_type_of
from shared.domain.job import Job
from shared.errors import BadRequest
from shared.ports import ObjectStat

router = APIRouter(tags=["jobs"])

UNKNOWN_TYPE = "application/octet-stream"


@router.get(
    "/v1/jobs/{job_id}/links",
    operation_id="get_links",
    summary="Addresses of what was made, and of the source",
    response_model=LinksTold,
    responses=problems("unknown_job", "unknown_artifact", "erasing", "source_expired", "bad_parameter"),
    dependencies=[only("names")],
)
def get_links(
    request: Request,
    caller: Reader,
    job_id: JobId,
    names: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=2000,
            description="Only these, separated by commas; without it all that there is now.",
            examples=["reel,poster"],
        ),
    ] = None,
) -> Response:
    """For what can neither show a key nor follow a redirect, as a player in a page. Ask anew once they have expired.

    Each is signed by itself, which takes a while on a cloud: ask for those you need.
    """
    api = api_of(request)
    job = job_of(api, caller, job_id)
    demand_not_erasing(job)
    # Signed after this, an address is good for at least as long as is said.
    expires_at = int(api.cloud.clock()) + api.settings.download_url_expires_s
    links = _all(api, job) if names is None else _named(api, job, [each.strip() for each in names.split(",")])
    return json_answer(LinksTold(expires_at=moment(expires_at), links=links))


def _all(api: Api, job: Job) -> dict[str, LinkTold]:
    """Return the links of all that is there: a source that is not kept any more is not."""
    stored = None
    with suppress(Problem, BadRequest):
        stored = stored_source(api, job)
    return _links(api, job, sorted(job.artifacts), stored)


def _named(api: Api, job: Job, names: list[str]) -> dict[str, LinkTold]:
    """Return the links of these. Raises Problem `unknown_artifact`, BadRequest `source_expired`."""
    artifacts = [name for name in names if name != SOURCE]
    for name in artifacts:
        demand_artifact(job, name)
    return _links(api, job, artifacts, stored_source(api, job) if SOURCE in names else None)


def _links(api: Api, job: Job, artifacts: list[str], stored: ObjectStat | None) -> dict[str, LinkTold]:
    links = {name: _link(api, job, name) for name in dict.fromkeys(artifacts)}
    if stored is None:
        return links
    kind = job.source.content_type or stored.content_type or UNKNOWN_TYPE
    return {**links, SOURCE: LinkTold(url=source_url(api, job, stored), content_type=kind)}


def _link(api: Api, job: Job, name: str) -> LinkTold:
    kind = content_type_of(job.artifacts[name]) or UNKNOWN_TYPE
    return LinkTold(url=artifact_url(api, job, name), content_type=kind)
