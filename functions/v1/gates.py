"""What every request passes before the application: the host it names, the page it comes from, and its size.

Plain ASGI: bodies and answers pass through as they come. What a gate refuses is told as a problem.
"""

import logging
from collections.abc import Callable, Mapping
from math import inf
from urllib.parse import urlsplit

import anyio
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from functions.v1.problems import problem
from shared.log import event
from shared.settings import Settings, listed

log = logging.getLogger(__name__)

MOST_BODY_BYTES = 4 * 1024**2  # a report with as many clips as may be has about 3 MiB
MOST_DRAINED_BYTES = 128 * 1024**2  # half a second by loopback, and minutes from afar: there DRAIN_S ends it
DRAIN_S = 5.0
SILENT_S = 0.3  # who sends nothing for so long is reading
LONGEST_BODY_S = 60.0  # at a byte now and then, hundreds of senders would hold a connection each for good
UNBOUNDED = "/objects/"  # uploads of films, which their signed addresses bound
OWN_HOSTS = ("localhost", "127.0.0.1", "[::1]")
READING = ("GET", "HEAD")
HARMLESS = (*READING, "OPTIONS")
METHODS = (*READING, "POST", "PUT", "PATCH", "DELETE")
TAKEN_HEADERS = (
    "Authorization",
    "Content-Type",
    "If-Match",
    "Idempotency-Key",
    "Range",
    "Content-Range",
    "X-Goog-Resumable",
    "X-Goog-Content-Length-Range",
    "X-Goog-If-Generation-Match",
    "X-Goog-Hash",
)
SHOWN_HEADERS = ("Location", "Range", "ETag", "Content-Range", "Retry-After", "X-Goog-Generation", "X-Goog-Hash")
PORTS = {"http": 80, "https": 443}


def add_gates(app: FastAPI, settings: Settings) -> None:
    """Put the gates before the whole of an application, so that answers to unforeseen errors pass them as well."""
    within = app.build_middleware_stack
    made: Callable[[], ASGIApp] = lambda: gates(within(), settings)  # noqa: E731
    app.build_middleware_stack = made  # type: ignore[method-assign]


def gates(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Return the application behind its gates: host, origin, size, in this order."""
    origins = frozenset(listed(settings.allowed_origins))
    made: ASGIApp = BodyLimit(app)
    if origins:
        made = CORSMiddleware(
            made,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=TAKEN_HEADERS,
            expose_headers=SHOWN_HEADERS,
            allow_private_network=True,  # a page of the open net that is allowed may be meant for this machine
        )
    made = OriginCheck(made, allowed=origins)
    hosts = _hosts(settings)
    return SafeHeaders(HostCheck(made, allowed=hosts) if hosts else made)


def _hosts(settings: Settings) -> frozenset[str]:
    """Return the names to answer to; none where any will do: a cloud's front end lets no other through."""
    named = listed(settings.allowed_hosts)
    return frozenset(named) if settings.cloud == "gcp" else frozenset((*OWN_HOSTS, *named))


class SafeHeaders:
    """Keeps browsers from guessing what an answer is, and from telling others where they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "no-referrer")
            await send(message)

        await self._app(scope, receive, safely)


class HostCheck:
    """Refuses requests for other hosts: a page sends such that has its own name lead to this machine."""

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            host = _split(Headers(scope=scope).get("Host", ""))[0]
            if host not in self._allowed:
                detail = f"Nothing here is called {host[:100]!r}; MONTAGE_ALLOWED_HOSTS can name it."
                await _refuse(421, "wrong_host", detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class OriginCheck:
    """Refuses what pages of other sites ask for, unless their origin is allowed; links to here may be followed."""

    def __init__(self, app: ASGIApp, *, allowed: frozenset[str]) -> None:
        self._app = app
        self._allowed = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._may_pass(scope):
            detail = "A page of another site asks for this; MONTAGE_ALLOWED_ORIGINS can name its origin."
            await _refuse(403, "wrong_origin", detail, headers={"Vary": "Origin"})(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _may_pass(self, scope: Scope) -> bool:
        headers, method = Headers(scope=scope), scope["method"]
        origins = headers.getlist("Origin")
        if not origins:  # a program, or a browser that reads
            return method in HARMLESS or headers.get("Sec-Fetch-Site") != "cross-site"
        if all(origin.lower() in self._allowed or _is_own(origin, scope) for origin in origins):
            return True
        return method in READING and headers.get("Sec-Fetch-Mode") == "navigate"


class BodyLimit:
    """Refuses bodies that are too large or too slow: at once where their length is told, else when they have become so.

    The rest is passed over, within bounds: a connection that is closed on somebody who still sends takes the answer
    with it. Then it ends, as the next request could not be told from what is left.
    """

    def __init__(self, app: ASGIApp, *, most_bytes: int = MOST_BODY_BYTES, longest_s: float = LONGEST_BODY_S) -> None:
        self._app = app
        self._most_bytes = most_bytes
        self._longest_s = longest_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and {"content-length", "transfer-encoding"} <= set(Headers(scope=scope)):
            detail = "Content-Length and Transfer-Encoding say two things; a proxy may believe the other."
            await _refuse(400, "two_lengths", detail, headers={"Connection": "close"})(scope, receive, send)
            return
        if scope["type"] != "http" or scope["path"].startswith(UNBOUNDED):
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("Content-Length", "")
        if told.isascii() and told.isdigit() and int(told[:20]) > self._most_bytes:
            await self._too_large(scope, receive, send)
            return
        await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        come_bytes = 0
        is_whole = is_answered = is_refused = False
        until = anyio.current_time() + self._longest_s

        async def counted() -> Message:
            nonlocal come_bytes, is_refused, is_whole
            if is_refused:
                return {"type": "http.disconnect"}
            refuse = self._too_slow
            with anyio.move_on_at(inf if is_whole or is_answered else until):
                message = await receive()
                is_whole = not message.get("more_body", False)
                come_bytes += len(message.get("body", b""))
                if come_bytes <= self._most_bytes:
                    return message
                refuse = self._too_large
            is_refused = True
            if not is_answered:
                await refuse(scope, receive, send)
            return {"type": "http.disconnect"}

        async def answer(message: Message) -> None:
            nonlocal is_answered
            is_answered = True
            if not is_refused:  # else the application tells of a caller that went away, to nobody
                await send(message)

        try:
            await self._app(scope, counted, answer)
        except Exception:
            if not is_refused:
                raise

    async def _told_first(self, answer: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer at once, and end the answer when the sender has seen it, or has sent more than enough."""

        async def but_for_its_end(message: Message) -> None:
            more = {"more_body": True} if message["type"] == "http.response.body" else {}
            await send({**message, **more})

        await answer(scope, receive, but_for_its_end)
        passed_bytes, is_sending, until = 0, True, anyio.current_time() + DRAIN_S
        while is_sending and passed_bytes < MOST_DRAINED_BYTES and anyio.current_time() < until:
            is_sending = False
            with anyio.move_on_after(SILENT_S):
                message = await receive()
                passed_bytes += len(message.get("body", b""))
                is_sending = message.get("more_body", False)
        await send({"type": "http.response.body", "body": b""})

    async def _too_slow(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"The body had not arrived within {self._longest_s:g} seconds; send it again."
        await _refuse(408, "too_slow", detail, headers={"Connection": "close"})(scope, receive, send)

    async def _too_large(self, scope: Scope, receive: Receive, send: Send) -> None:
        detail = f"The body is larger than {self._most_bytes} bytes."
        answer = _refuse(413, "body_too_large", detail, headers={"Connection": "close"})
        await self._told_first(answer, scope, receive, send)


def _refuse(status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None) -> ASGIApp:
    """Return what answers so, with a line in the log: what stays before the application is logged nowhere else."""
    log.info("a request was refused: %s", detail, extra=event("refused", status=status, code=code))
    return problem(status, code, detail, headers=headers)


def _split(address: str) -> tuple[str, str]:
    """Return a Host header's name, in lower case, and its port, "" for none."""
    name, colon, port = address.strip().lower().rpartition(":")
    if not colon or port.endswith("]"):  # [::1] has colons of its own
        return address.strip().lower(), ""
    return name, port


def _is_own(origin: str, scope: Scope) -> bool:
    """Return whether a page of the very host that is asked has this origin.

    Behind a front end that ends TLS we are asked by http for what the page knows by https.
    """
    try:
        page = urlsplit(origin.lower())
        usual = PORTS.get(page.scheme)
        if usual is None or page.scheme not in ("https", scope["scheme"]):
            return False
        name, port = _split(Headers(scope=scope).get("Host", ""))
        theirs = (page.netloc.removesuffix(f":{page.port}"), page.port or usual)
        return theirs == (name, int(port or usual))
    except ValueError:
        return False
