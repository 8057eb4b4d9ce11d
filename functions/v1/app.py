"""The application: every route, one form for everything that goes wrong, one line in the log for each request."""

import logging
import secrets
import time
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.serving import trace_of
from functions.v1 import batches, health, jobs, links, uploads
from functions.v1.context import Api
from functions.v1.gates import add_gates
from functions.v1.openapi import described
from functions.v1.pages import WEB, Pages, WebFiles, page_routes
from functions.v1.problems import Problem, problem, problem_of, status_of
from shared import log as logs
from shared.connect import storage_folders, storage_origins
from shared.errors import MontageError, TryAgain
from shared.log import event

log = logging.getLogger(__name__)

DESCRIPTION = """Raw footage in, highlight reels out.

Announce files (`begin_uploads`), upload each to the address you are given, and look at the batch or its jobs until they
are done; then download the reels. Whatever goes wrong is told as problem details (RFC 9457) with a stable `code`.
Query parameters and members of bodies that are not described here are refused; answers may grow new members."""
TAGS = [
    {"name": "uploads", "description": "Announce files and upload them."},
    {"name": "jobs", "description": "One source on its way to a reel."},
    {"name": "batches", "description": "Sources that were announced together."},
    {"name": "health", "description": "Whether the API answers."},
]
CODES = {404: "unknown_path", 405: "wrong_method"}
GONE = 499
"""What the log says of a request whose sender did not wait for the answer."""


def make_app(api: Api, *, objects: Router | None = None, web: Path = WEB) -> FastAPI:
    """Return the application that answers with these ports, and with the page whose files lie in the folder `web`.

    `objects` answers for one machine's signed addresses.
    """
    made = routes()
    made.state.api = api
    origins, folders = storage_origins(api.settings), storage_folders(api.settings)
    made.state.pages = Pages(WebFiles(web), storage=origins, folders=folders)
    made.router.routes.extend(page_routes(made.state.pages))
    if objects is not None:
        made.router.routes.extend(objects.routes)
    made.add_middleware(Around, project=api.settings.google.project)
    add_gates(made, api.settings)
    return made


def routes() -> FastAPI:
    """Return the application without anything behind it, which can describe itself."""
    made = FastAPI(
        title="Montage",
        version="1",
        summary="Raw footage in, highlight reels out",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    for part in (uploads, jobs, links, batches, health):
        made.include_router(part.router)
    made.add_exception_handler(MontageError, _told)
    made.add_exception_handler(Problem, _told)
    made.add_exception_handler(RequestValidationError, _told)
    made.add_exception_handler(HTTPException, _told)
    made.openapi = lambda: described(made)  # type: ignore[method-assign]
    return made


class Around:
    """Goes around every request: binds its trace, logs one line, answers for the unforeseen, adds safe headers."""

    def __init__(self, app: ASGIApp, *, project: str) -> None:
        self._app = app
        self._project = project

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()
        trace = trace_of(Headers(scope=scope)) or secrets.token_hex(16)
        # The second name is the one by which Cloud Logging shows the lines beside the request.
        logs.bind(**{"trace": trace, "logging.googleapis.com/trace": f"projects/{self._project}/traces/{trace}"})
        doing = f"{scope['method']} {scope['path'][:200]}"  # no query: in it are signatures
        status = 0

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(scope["path"], MutableHeaders(scope=message))
            await send(message)

        try:
            await self._app(scope, receive, told)
        except ClientDisconnect:
            status = status or GONE
        except Exception as error:
            code = error.code if isinstance(error, MontageError) else "internal"
            log.exception("%s failed", doing, extra=event("handler_failed", code=code))
            if status:  # half of an answer is out, and the server has to break it off
                raise
            sentence = "This failed unforeseen; the log tells more under this trace_id."
            await problem(500, "internal", sentence, trace_id=trace)(scope, receive, told)
        finally:
            elapsed_s = round(time.monotonic() - began, 3)
            fields = event("handled", doing=doing, status=status, elapsed_s=elapsed_s)
            log.info("%s: %d", doing, status, extra=fields)


def _add_headers(path: str, headers: MutableHeaders) -> None:
    headers.setdefault("X-Content-Type-Options", "nosniff")
    if not path.startswith("/objects/"):
        headers.setdefault("Cache-Control", "no-store")


async def _told(request: Request, error: Exception) -> Response:
    match error:
        case Problem():
            return error.answer()
        case MontageError():
            if status_of(error) == 500:
                raise error  # a missing setting or right: told like all that is unforeseen
            if isinstance(error, TryAgain):
                log.warning("waits: %s", error.message, extra=event("handler_waits", code=error.code))
            return problem_of(error)
        case RequestValidationError():
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"][1:])[:80]
            return problem(422, "bad_parameter", f"{where}: {first['msg'].rstrip('.')}.")
        case HTTPException():
            pages: Pages | None = getattr(request.app.state, "pages", None)
            if error.status_code == 404 and pages is not None and (shown := pages.lost(request)) is not None:
                return shown
            code = CODES.get(error.status_code, "bad_request")
            return problem(error.status_code, code, _sentence(code, request, error), headers=error.headers)
    raise error


def _sentence(code: str, request: Request, error: HTTPException) -> str:
    match code:
        case "unknown_path":
            return "There is nothing at this path; /v1/openapi.json describes what there is."
        case "wrong_method":
            return f"This path takes no {request.method[:20]}; /v1/openapi.json describes what it takes."
        case _:
            return f"{error.detail}."
