"""HTTP for people and programs, below /v1.

As a function it is an ASGI application that the framework's handler returns; `uvicorn --factory functions.api:app` runs
the same. A lifespan would never run there: what has to be made is made with the application.
"""

from functools import cache

from fastapi import FastAPI, Request
from pydantic import BaseModel

from shared import log as logs


class Health(BaseModel):
    """Whether this process answers; it says nothing of what lies behind it."""

    status: str = "ok"


async def api(request: Request) -> FastAPI:
    """Return the application, which then answers the request."""
    return app()


@cache
def app() -> FastAPI:
    """Return this process's application."""
    logs.set_up()
    made = FastAPI(title="Montage", openapi_url="/v1/openapi.json", docs_url=None, redoc_url=None)
    made.add_api_route("/v1/health", health, methods=["GET"])
    return made


async def health() -> Health:
    """Tell that the API answers."""
    return Health()
