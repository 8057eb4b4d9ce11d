"""HTTP for people and programs, below /v1.

As a function it is an ASGI application that the framework's handler returns; `uvicorn --factory functions.api:app` runs
the same. A lifespan would never run there: what has to be made is made with the application.
"""

from functools import cache

from fastapi import FastAPI, Request
from starlette.routing import Router

from functions import serving
from functions.v1.app import make_app
from functions.v1.context import Api
from shared.connect import connect_keys, connect_signers
from shared.ports import Cloud, Signers
from shared.settings import Settings


async def api(request: Request) -> FastAPI:
    """Return the application, which then answers the request."""
    return app()


@cache
def app() -> FastAPI:
    """Return this process's application. Raises MontageError `not_configured`."""
    process = serving.process()
    settings, cloud = process.settings, process.cloud
    signers = connect_signers(settings, clock=cloud.clock)
    made = Api(settings=settings, cloud=cloud, signers=signers, keys=connect_keys(settings))
    return make_app(made, objects=_objects(settings, cloud, signers))


def _objects(settings: Settings, cloud: Cloud, signers: Signers) -> Router | None:
    """Return what answers for this machine's objects; a cloud's answer for themselves."""
    if settings.cloud != "local":
        return None
    from functions.local.object_routes import object_routes  # not deployed

    return object_routes(settings, cloud, signers)
