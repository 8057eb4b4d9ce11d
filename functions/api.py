"""HTTP for people and programs, below /v1.

As a function it is an ASGI application that the framework's handler returns; `uvicorn --factory functions.api:app` runs
the same. A lifespan would never run there: what has to be made is made with the application.
"""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from fastapi import FastAPI, Request, Response
from starlette.routing import Router

from functions import serving
from functions.serving import trace_of
from functions.v1.app import make_app
from functions.v1.context import Api
from functions.v1.problems import problem
from shared.connect import connect_keys, connect_signers
from shared.errors import MontageError
from shared.log import event
from shared.ports import Cloud, SignedUpload, Signers, UrlSigner
from shared.settings import Settings

log = logging.getLogger(__name__)


async def api(request: Request) -> FastAPI | Response:
    """Return the application, which then answers the request, or, where a setting is missing, a problem."""
    try:
        return app()
    except MontageError as error:
        log.exception("the API cannot be made: %s", error.message, extra=event("handler_failed", code=error.code))
        trace = trace_of(request.headers) or secrets.token_hex(16)
        return problem(500, "internal", "This failed unforeseen; the log tells more.", trace_id=trace)


@cache
def app() -> FastAPI:
    """Return this process's application. Raises MontageError `not_configured`."""
    process = serving.process()
    settings, cloud = process.settings, process.cloud
    signers = _signers(settings, cloud)
    made = Api(settings=settings, cloud=cloud, signers=signers, keys=connect_keys(settings))
    return make_app(made, objects=_objects(settings, cloud, signers))


@dataclass(frozen=True, slots=True, kw_only=True)
class LateSigner:
    """A UrlSigner that is made when something is to be signed: all else is answered where nobody may sign."""

    made: Callable[[], UrlSigner]

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        sign = self.made().resumable_upload
        return sign(name, content_type=content_type, max_bytes=max_bytes, expires_s=expires_s)

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        sign = self.made().single_upload
        return sign(name, content_type=content_type, max_bytes=max_bytes, expires_s=expires_s)

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        return self.made().download(name, file_name=file_name, expires_s=expires_s)


def _signers(settings: Settings, cloud: Cloud) -> Signers:
    """Return who signs; a cloud's look for credentials as they are made, which may take a while and fail."""
    made = cache(lambda: connect_signers(settings, clock=cloud.clock))
    if settings.cloud == "local":
        return made()
    return Signers(uploads=LateSigner(made=lambda: made().uploads), downloads=LateSigner(made=lambda: made().downloads))


def _objects(settings: Settings, cloud: Cloud, signers: Signers) -> Router | None:
    """Return what answers for this machine's objects; a cloud's answer for themselves."""
    if settings.cloud != "local":
        return None
    from functions.local.object_routes import object_routes  # not deployed

    return object_routes(settings, cloud, signers)
