"""One machine's objects over HTTP, by signed addresses: what Cloud Storage answers, so that one client serves both.

Bytes travel between socket and disk by an event loop: a thread is taken for each piece that is read or written, and
none waits for a sender.
"""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from typing import BinaryIO

import anyio
from anyio.to_thread import run_sync as in_thread
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from functions.local.byte_range import Wanted, wanted
from functions.local.request_body import PIECE_BYTES, RequestBody
from functions.v1.problems import problem, status_of
from shared.connect import LocalBucket, local_buckets
from shared.domain.grant import Grant
from shared.errors import AlreadyThere, BadRequest, MontageError, NotFound
from shared.local_ports import UploadWriter
from shared.log import event
from shared.ports import Cloud, ObjectStat, Signers
from shared.settings import Settings

log = logging.getLogger(__name__)

IDLE_S = 60.0
"""Whoever sends no byte for so long is told to begin again; what arrived is kept."""
STATUS: Mapping[str, int] = {
    "already_there": 412,
    "bad_content_range": 400,
    "bad_upload_length": 400,
    "superseded": 409,
    "too_slow": 408,
    "upload_busy": 409,
    "upload_cancelled": 410,
    "upload_gap": 503,
    "url_expired": 400,
}
"""Where Cloud Storage's answers differ from those of our own API."""
UPLOAD_ID = "upload_id="
CANCELLED = 499  # Cloud Storage's answer, which has no name
SAFE = {
    "cache-control": "private, no-store",
    "content-security-policy": "sandbox",
    "x-content-type-options": "nosniff",
    "accept-ranges": "bytes",
}
"""With every download: whatever somebody uploaded, a browser neither runs nor keeps it."""


def object_routes(settings: Settings, cloud: Cloud, signers: Signers, *, idle_s: float = IDLE_S) -> Router:
    """Return what answers /objects/{bucket}/{name}. Raises TypeError for a cloud that is not this machine."""
    return Router(
        routes=[Route("/objects/{bucket}/{name:path}", ObjectRoutes(local_buckets(cloud, signers), idle_s=idle_s))]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """A request that brings bytes of an upload, as others of the same upload see it."""

    body: RequestBody
    ended: anyio.Event = field(default_factory=anyio.Event)


class ObjectRoutes:
    """An ASGI application for the objects of some buckets."""

    def __init__(self, buckets: Mapping[str, LocalBucket], *, idle_s: float) -> None:
        self._buckets = buckets
        self._idle_s = idle_s
        self._taking: dict[str, Taking] = {}
        """By the upload's token."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = RequestBody(request, idle_s=self._idle_s)
        response = await self._response(request, body)
        await response(scope, receive, send)

    async def _response(self, request: Request, body: RequestBody) -> Response:
        try:
            return await self._answered(request, body)
        except MontageError as error:
            return await self._refused(request, body, error)
        except ValueError as error:  # a name that cannot be one beside those that are there
            return await self._refused(request, body, BadRequest("bad_name", f"There can be no such object: {error}."))

    async def _refused(self, request: Request, body: RequestBody, error: MontageError) -> Response:
        if body.ending is None:
            await body.drain()
        status = STATUS.get(error.code, status_of(error))
        log.info("%s refused: %s", request.method, error.message, extra=event("object_refused", code=error.code))
        headers = {"cache-control": "no-store", **({} if body.ending == "whole" else {"connection": "close"})}
        return problem(status, error.code, error.message, headers=headers)

    async def _answered(self, request: Request, body: RequestBody) -> Response:
        bucket = self._buckets.get(request.path_params["bucket"])
        if bucket is None:
            raise NotFound("There is no such bucket.", code="unknown_bucket")
        path, query = request.scope["raw_path"].decode("latin-1"), request.scope["query_string"].decode("latin-1")
        if query.startswith(UPLOAD_ID) and request.method in ("PUT", "DELETE"):
            return await self._go_on(bucket, bucket.urls.name_in(path), query.removeprefix(UPLOAD_ID), request, body)
        grant = bucket.urls.granted(request.method, path, query, request.headers.items())
        match grant.action:
            case "begin":
                return await self._begin(bucket, grant, request, body)
            case "put":
                return await self._put(bucket, grant, body)
            case "get":
                return await self._get(bucket, grant, request)

    # Uploads.

    async def _begin(self, bucket: LocalBucket, grant: Grant, request: Request, body: RequestBody) -> Response:
        """Begin an upload in parts; where it goes on is said by `Location`."""
        total_bytes = _declared_bytes(request)
        await body.drain()
        token = await in_thread(partial(_begun, bucket, grant, total_bytes))
        location = bucket.urls.session_url(grant.name, token)
        log.info("upload of %s begun", grant.name, extra=event("upload_begun", max_bytes=grant.max_bytes))
        return Response(status_code=HTTPStatus.CREATED, headers={"location": location, "cache-control": "no-store"})

    async def _put(self, bucket: LocalBucket, grant: Grant, body: RequestBody) -> Response:
        """Take a whole object: a session that does not outlive its request."""
        token = await in_thread(partial(_begun, bucket, grant, body.size_bytes))
        try:
            return await self._take(bucket, grant.name, token, None, body)
        finally:
            await in_thread(bucket.store.sessions.drop, grant.name, token)

    async def _go_on(self, bucket: LocalBucket, name: str, token: str, request: Request, body: RequestBody) -> Response:
        """Take more of an upload, tell how far it is, or cancel it. Its token is all that is asked for."""
        content_range = request.headers.get("content-range")
        is_question = content_range is not None and content_range.strip().startswith("bytes */")
        if request.method == "DELETE" or is_question:
            await body.drain()  # there is nothing in it, and so nobody can stop this request
        if request.method == "PUT" and is_question and token in self._taking:
            session, stored_bytes = await in_thread(bucket.store.sessions.find, name, token)
            if stored_bytes != session.total_bytes:  # else it is about to be completed, which is worth waiting for
                return _so_far(stored_bytes)
        async with self._alone(token, body):
            if request.method == "DELETE":
                await in_thread(bucket.store.sessions.cancel, name, token)
                return Response(status_code=CANCELLED)
            return await self._take(bucket, name, token, content_range, body)

    @asynccontextmanager
    async def _alone(self, token: str, body: RequestBody) -> AsyncIterator[None]:
        """Go before whoever else brings bytes of this upload: mostly a connection that broke off unnoticed."""
        while (other := self._taking.get(token)) is not None:
            other.body.stop()
            await other.ended.wait()
        taking = self._taking[token] = Taking(body=body)
        try:
            yield
        finally:
            del self._taking[token]
            taking.ended.set()

    async def _take(
        self, bucket: LocalBucket, name: str, token: str, content_range: str | None, body: RequestBody
    ) -> Response:
        writing = bucket.store.sessions.writing(name, token)
        writer = await in_thread(writing.__enter__)
        try:
            if writer.session.etag is None:
                await in_thread(writer.expect, content_range, body.size_bytes)
                await _store(writer, body)
            await body.drain()
            return _taken(writer)
        finally:
            writing.__exit__(None, None, None)

    # Downloads.

    async def _get(self, bucket: LocalBucket, grant: Grant, request: Request) -> Response:
        stat, reader = await in_thread(_opened, bucket, grant.name)
        part = wanted(
            request.headers.get("range"),
            if_range=request.headers.get("if-range"),
            etag=_etag(stat.generation),
            size_bytes=stat.size_bytes,
        )
        headers = {
            **SAFE,
            "etag": _etag(stat.generation),
            "content-disposition": grant.disposition,
            "content-length": str(part.count),
            "content-type": stat.content_type or "application/octet-stream",
            **part.headers,
        }
        if request.method == "HEAD" or part.count == 0:
            await in_thread(reader.close)
            return Response(status_code=part.status, headers=headers)
        return SentObject(reader, part, headers)


class SentObject(StreamingResponse):
    """A part of an object, read piece by piece as fast as it is taken."""

    def __init__(self, reader: BinaryIO, part: Wanted, headers: Mapping[str, str]) -> None:
        super().__init__(_pieces(reader, part), status_code=part.status, headers=headers)
        self._reader = reader

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, and close the file whatever becomes of the receiver."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._reader.close()


async def _pieces(reader: BinaryIO, part: Wanted) -> AsyncIterator[bytes]:
    left = part.count
    await in_thread(reader.seek, part.first)
    while left and (piece := await in_thread(reader.read, min(left, PIECE_BYTES))):
        left -= len(piece)
        yield piece


async def _store(writer: UploadWriter, body: RequestBody) -> None:
    """Write what arrives and end the upload if that is all of it. Raises BadRequest `superseded`, `too_slow`."""
    try:
        async for piece in body.pieces():
            await in_thread(writer.write, piece)
    except MontageError:
        await in_thread(writer.break_off)
        raise
    if body.ending == "whole":
        return await in_thread(writer.end)
    await in_thread(writer.break_off)
    if body.ending == "stopped":
        raise BadRequest("superseded", "Another request goes on with this upload.")
    if body.ending == "idle":
        raise BadRequest("too_slow", "No byte came for a minute; ask how far the upload is, and go on from there.")


def _taken(writer: UploadWriter) -> Response:
    if writer.session.etag is not None:
        return Response(status_code=HTTPStatus.OK, headers={"etag": _etag(writer.session.etag)})
    return _so_far(writer.stored_bytes)


def _so_far(stored_bytes: int) -> Response:
    headers = {"range": f"bytes=0-{stored_bytes - 1}"} if stored_bytes else {}
    return Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers=headers)


def _begun(bucket: LocalBucket, grant: Grant, total_bytes: int | None) -> str:
    """Return the token of a new upload. Raises AlreadyThere, BadRequest `too_large`, TryAgain `disk_full`."""
    try:
        bucket.store.stat(grant.name)
    except NotFound:
        return bucket.store.sessions.begin(
            grant.name, content_type=grant.content_type, max_bytes=grant.max_bytes, total_bytes=total_bytes
        )
    raise AlreadyThere("This object has been uploaded already.")


def _opened(bucket: LocalBucket, name: str) -> tuple[ObjectStat, BinaryIO]:
    stat = bucket.store.stat(name)
    return stat, bucket.store.open(name, stat.generation)


def _declared_bytes(request: Request) -> int | None:
    said = request.headers.get("x-upload-content-length")
    if said is None:
        return None
    if not (said.isascii() and said.isdecimal() and len(said) <= 18):
        raise BadRequest("bad_upload_length", f"X-Upload-Content-Length is no size: {said[:80]!r}.")
    return int(said)


def _etag(generation: str) -> str:
    return f'"{generation}"'
