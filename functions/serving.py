"""What all entry points do around their handlers: connect once, check who asks, log, answer for what went wrong."""

import logging
import re
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol

from functions.burial import HOPELESS, bury, code_of
from shared import log as logs
from shared.connect import connect, connect_push_verifier
from shared.domain.push_envelope import PushEnvelope
from shared.errors import BadRequest, MontageError, NotAllowed, NotAuthenticated, TryAgain
from shared.log import event
from shared.ports import Cloud
from shared.settings import Settings

if TYPE_CHECKING:  # one machine runs the same handlers, and has no web framework
    from flask import Request

log = logging.getLogger(__name__)

Answer = tuple[dict[str, object] | str, int, dict[str, str]]
"""Body, status and headers, as Flask takes them."""
Handler = Callable[[Cloud, str], None]
"""Takes a message's JSON; what it raises says what is to become of the message."""

_TRACE = re.compile(r"(?:00-)?(?P<id>[0-9a-f]{32})(?:[-/].*)?", re.IGNORECASE | re.DOTALL)
_once = threading.Lock()


class Headers(Protocol):
    """A request's headers, whatever the case of their names."""

    def get(self, key: str, /) -> str | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What requests of one process share; clients in it are made when they are first used."""

    settings: Settings
    cloud: Cloud


@cache
def _process() -> Process:
    logs.set_up()
    settings = Settings()
    return Process(settings=settings, cloud=connect(settings))


@cache
def _pushes() -> Callable[[str | None], None]:
    return connect_push_verifier(_process().settings).verify


def process() -> Process:
    """Return this process's settings and cloud. Raises MontageError `not_configured`."""
    with _once:  # the framework's server has several threads
        return _process()


def check_push(headers: Headers) -> None:
    """Return for a push of ours. Raises NotAuthenticated, NotAllowed, TryAgain, MontageError `not_configured`."""
    with _once:
        verify = _pushes()
    verify(headers.get("Authorization"))


def answer_push(request: "Request", topic: str, handle: Handler) -> Answer:
    """Handle a Pub/Sub push: 204 when done or buried, 503 and 500 to get it again, 401 and 403 for a wrong token."""

    def act() -> Answer:
        check_push(request.headers)
        _deliver(process().cloud, topic, request.get_data(), handle)
        return "", 204, {}

    return answer(request.headers, topic, act)


def answer(headers: Headers, doing: str, act: Callable[[], Answer]) -> Answer:
    """Return what `act` answers, or what tells its failure, with the request's trace in every line logged on the way.

    What is bound to the log on the way goes no further than this request.
    """
    return copy_context().run(_answer, headers, doing, act)


def trace_of(headers: Headers) -> str | None:
    """Return the request's trace id, 32 hexadecimal digits, by W3C's header or Google's older one."""
    named = headers.get("traceparent") or headers.get("X-Cloud-Trace-Context") or ""
    match = _TRACE.fullmatch(named)
    return match["id"].lower() if match else None


def _answer(headers: Headers, doing: str, act: Callable[[], Answer]) -> Answer:
    began = time.monotonic()
    try:
        _bind_trace(headers)
        answered = act()
    except Exception as error:
        answered = _failed(doing, error)
    elapsed_s = round(time.monotonic() - began, 3)
    log.info("%s: %d", doing, answered[1], extra=event("handled", doing=doing, status=answered[1], elapsed_s=elapsed_s))
    return answered


def _bind_trace(headers: Headers) -> None:
    trace = trace_of(headers)
    project = process().settings.google.project
    if trace:
        # The second name is the one by which Cloud Logging shows the lines beside the request.
        logs.bind(**{"trace": trace, "logging.googleapis.com/trace": f"projects/{project}/traces/{trace}"})


def _failed(doing: str, error: Exception) -> Answer:
    match error:
        case NotAuthenticated():
            return _told(error, 401, {"WWW-Authenticate": "Bearer"})
        case NotAllowed():
            return _told(error, 403)
        case TryAgain():
            log.warning("%s: %s", doing, error.message, extra=event("handler_waits", code=error.code))
            return _told(error, 503)
        case MontageError():  # a missing setting or right: the message waits until that is mended
            log.exception("%s failed: %s", doing, error.message, extra=event("handler_failed", code=error.code))
            return _told(error, 500)
        case _:
            log.exception("%s failed", doing, extra=event("handler_failed", code="internal"))
            return {"code": "internal", "message": "This failed unforeseen; the log says how."}, 500, {}


def _told(error: MontageError, status: int, headers: dict[str, str] | None = None) -> Answer:
    return {"code": error.code, "message": error.message}, status, headers or {}


def _deliver(cloud: Cloud, topic: str, request_body: bytes, handle: Handler) -> None:
    body = request_body.decode(errors="replace")
    try:
        envelope = PushEnvelope.model_validate_json(request_body)
        logs.bind(message_id=envelope.message.message_id, delivery_attempt=envelope.delivery_attempt)
        body = _text(envelope.message.data)
        handle(cloud, body)
    except HOPELESS as error:
        bury(cloud, topic=topic, body=body, code=code_of(error), reason=str(error))


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadRequest("malformed", f"The message is no UTF-8: {error}.") from error
