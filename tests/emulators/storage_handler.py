"""What Cloud Storage answers: uploads, signed URLs and preconditions are judged here, the rest is passed on."""

import json
import re
import tempfile
from collections.abc import Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from tests.emulators.signed_urls import signer
from tests.emulators.storage_exchange import IN_XML, OBJECT, StorageExchange, kept
from tests.emulators.storage_objects import (
    CONDITIONS,
    check,
    conditions_in_headers,
    described_in_headers,
    described_in_json,
    headers_of,
    not_found,
    parts,
    refuse_damage,
)
from tests.emulators.storage_refusals import Refusal, access_denied, precondition_failed
from tests.emulators.storage_upstream import object_path
from tests.emulators.upload_sessions import Session, Upload

UPLOADS = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
MADE_OF_OBJECTS = re.compile(r"/storage/v1/b/(?:[^/]+/o/[^/]+/(?:rewriteTo|copyTo)/b/)?([^/]+)/o/([^/]+?)(?:/compose)?")
BUCKETS = re.compile(r"/storage/v1/b(?:/([^/]+))?")
PRIVATE = "private, max-age=0"
"""What Cloud Storage says of objects that are not public, where they do not say it themselves: a browser that showed a
picture asks again before a page's fetch gets it, whose answer needs other headers."""


class StorageHandler(StorageExchange):
    """Knows what each request means."""

    def answer(self) -> None:
        """Answer the request, or raise Refusal."""
        uploads = UPLOADS.fullmatch(self.path)
        in_xml = IN_XML.fullmatch(self.path) if self.style == "xml" else None
        if uploads:
            self._upload_in_json(unquote(uploads[1]))
        elif in_xml:
            self._answer_in_xml(unquote(in_xml[1]), unquote(in_xml[2]))
        elif self.style == "xml":
            raise Refusal(403, "AccessDenied", "Only single objects can be reached here without the JSON API.")
        elif match := OBJECT.fullmatch(self.path):
            self._reach_object(unquote(match[1]), unquote(match[2]))
        elif self.command == "POST" and (match := MADE_OF_OBJECTS.fullmatch(self.path)):
            self._make_of_objects(unquote(match[1]), unquote(match[2]))
        elif match := BUCKETS.fullmatch(self.path):
            self._reach_bucket(match[1] and unquote(match[1]))
        else:
            self._pass_on(self.target())

    # The XML API: signed URLs.

    def _answer_in_xml(self, bucket: str, name: str) -> None:
        if self.command == "OPTIONS":
            return self.preflight(bucket)
        if "upload_id" in self.parameters and self.command in ("PUT", "POST", "DELETE"):
            return self._continue(bucket)
        self.allow_origin(bucket, self.headers.get("Origin"))
        account = signer(
            self.command, self.path, self.query, self.headers, keys=self.server.keys, now_s=self.server.clock()
        )
        if self.command in ("GET", "HEAD"):
            self._need(account, "get", bucket)
            self._read_in_xml(bucket, name)
        elif self.command == "DELETE":
            self._need(account, "delete", bucket)
            self._delete_in_xml(bucket, name)
        elif self.command == "PUT" and not {"uploadId", "partNumber"} & self.parameters.keys():
            self._need(account, "create", bucket)
            self._put_in_xml(described_in_headers(bucket, name, self.headers, account=account))
        elif self.command == "POST" and self.headers.get("x-goog-resumable") == "start":
            self._need(account, "create", bucket)
            self._begin(described_in_headers(bucket, name, self.headers, account=account), status=201)
        else:
            raise Refusal(501, "NotImplemented", "The storage proxy does not know this request.")

    def _need(self, account: str, permission: str, bucket: str) -> None:
        if (permission, bucket) not in self.server.rights.get(account, ()):
            raise access_denied(account, permission=permission)

    def _read_in_xml(self, bucket: str, name: str) -> None:
        said = {
            "Content-Disposition": self.parameters.get("response-content-disposition"),
            "Content-Type": self.parameters.get("response-content-type"),
        }
        # By the JSON API, as the server's XML API depends on its host name.
        target = f"/download{object_path(bucket, name)}?alt=media"
        self._read_media(target, {header: value for header, value in said.items() if value})

    def _delete_in_xml(self, bucket: str, name: str) -> None:
        with self.server.lock(bucket, name):
            self._check_before(bucket, name)
            status, _, _ = self.upstream.ask("DELETE", object_path(bucket, name))
        if status == 404:
            raise not_found()
        self.send(204, {})

    def _put_in_xml(self, upload: Upload) -> None:
        with tempfile.TemporaryFile(dir=self.server.folder) as file:
            size_bytes = self._spool(file, upload)
            resource = self._create(upload, file, start=0, size_bytes=size_bytes)
        self.send(200, headers_of(resource))

    # Uploads by the JSON API.

    def _upload_in_json(self, bucket: str) -> None:
        if self.command == "OPTIONS":
            return self.preflight(bucket)
        if "upload_id" in self.parameters:
            return self._continue(bucket)
        self.allow_origin(bucket, self.headers.get("Origin"))
        kind = self.parameters.get("uploadType")
        if kind == "resumable":
            resource = json.loads(self.body.read() or b"{}")
            if "X-Upload-Content-Type" in self.headers:
                resource.setdefault("contentType", self.headers["X-Upload-Content-Type"])
            self._begin(described_in_json(bucket, resource, self.parameters, self.headers), status=200)
        elif kind in ("media", "multipart"):
            self.send_json(200, self._insert_in_json(bucket, is_multipart=kind == "multipart"))
        else:
            raise Refusal(400, "InvalidArgument", f"uploadType={kind}")

    def _insert_in_json(self, bucket: str, *, is_multipart: bool) -> dict[str, Any]:
        resource: dict[str, Any] = {"contentType": self.headers.get("Content-Type", "application/octet-stream")}
        with tempfile.TemporaryFile(dir=self.server.folder) as file:
            start, end = 0, self._spool(file)
            if is_multipart:
                resource, start, end = parts(file, end, self.headers.get_param("boundary"))
            upload = described_in_json(bucket, resource, self.parameters, self.headers)
            return self._create(upload, file, start=start, size_bytes=end - start)

    # Resumable uploads of both kinds.

    def _begin(self, upload: Upload, *, status: int) -> None:
        self.body.drain()
        if {"ifGenerationMatch", "ifGenerationNotMatch"} & upload.conditions.keys():  # judged again at the end
            check(upload.conditions, self.upstream.resource(upload.bucket, upload.name))
        session = self.server.sessions.begin(upload)
        path = f"/{quote(upload.bucket)}/{quote(upload.name, safe='/~')}?"
        if upload.style == "json":
            path = f"/upload/storage/v1/b/{quote(upload.bucket)}/o?uploadType=resumable&"
        location = f"http://{self.upstream.host}{path}upload_id={session.id}"
        self.send(status, {"Location": location, "X-GUploader-UploadID": session.id})

    def _continue(self, bucket: str) -> None:
        """Take more of an upload. Its URL is all that is asked for: whoever has it may go on."""
        session = self.server.sessions.get(self.parameters["upload_id"])
        # A page other than the one that began it is not let in by Cloud Storage either.
        self.allow_origin(session.upload.bucket, session.upload.origin)
        with session.lock:
            self.server.sessions.get(session.id)  # it may have been cancelled meanwhile
            if session.upload.bucket != bucket:
                raise Refusal(404, "NoSuchUpload", "There is no such upload.")
            if self.command == "DELETE":
                self.server.sessions.cancel(session)
                return self.send(499, {})
            is_complete = session.result is not None or self._take(session)
        if not is_complete:
            stored = {"Range": f"bytes=0-{session.stored_bytes - 1}"} if session.stored_bytes else {}
            return self.send(308, stored)
        assert session.result is not None
        if session.upload.style == "json":
            self.send_json(200, session.result)
        else:
            self.send(200, headers_of(session.result))

    def _take(self, session: Session) -> bool:
        """Store what came, and the object once all of it is there; a final refusal stays one."""
        if session.refusal:
            raise session.refusal
        try:
            if not session.take(self.headers.get("Content-Range"), self.body):
                return False
            with session.path.open("rb") as file:
                session.result = self._create(session.upload, file, start=0, size_bytes=session.stored_bytes)
        except Refusal as refusal:
            if refusal.code.startswith("EntityToo") or refusal.status in (403, 404, 412):
                session.refusal = refusal
                session.path.unlink(missing_ok=True)
            raise
        session.path.unlink(missing_ok=True)
        return True

    def _create(self, upload: Upload, file: BinaryIO, *, start: int, size_bytes: int) -> dict[str, Any]:
        """Store the object, tell about it, and return it. Raises Refusal."""
        upload.refuse_size(size_bytes, is_all=True)
        refuse_damage(upload, self.headers, file, start=start, size_bytes=size_bytes)
        conditions = dict(upload.conditions)
        may_replace = not upload.account or ("delete", upload.bucket) in self.server.rights[upload.account]
        if not may_replace:
            conditions.setdefault("ifGenerationMatch", "0")
        with self.server.lock(upload.bucket, upload.name):
            if "ifGenerationNotMatch" in conditions:
                check(conditions, self.upstream.resource(upload.bucket, upload.name))
            status, body = self.upstream.insert(upload, conditions, file, start=start, size_bytes=size_bytes)
            if status == 412 and upload.account and "ifGenerationMatch" not in upload.conditions:
                raise access_denied(upload.account, permission="delete")
            if status == 412:
                raise precondition_failed()
            if status != 200:
                code = "NoSuchBucket" if status == 404 else "InvalidArgument"
                raise Refusal(status, code, body.decode(errors="replace"))
            resource: dict[str, Any] = json.loads(body)
            self.server.events.tell(resource)
        return resource

    def _spool(self, file: BinaryIO, upload: Upload | None = None) -> int:
        """Write the body to a file and return its size; raise Refusal as soon as it is too large."""
        size_bytes = 0
        if upload and self.body.size_bytes is not None:
            upload.refuse_size(self.body.size_bytes, is_all=True)
        for piece in self.body.pieces():
            size_bytes += len(piece)
            if upload:
                upload.refuse_size(size_bytes, is_all=False)
            file.write(piece)
        file.flush()
        return size_bytes

    # Objects and buckets by the JSON API.

    def _reach_object(self, bucket: str, name: str) -> None:
        is_media = self.parameters.get("alt") == "media"
        if self.command in ("GET", "HEAD") and is_media:
            self._read_media(self.target(without=CONDITIONS), {})
        elif self.command == "GET" and self._conditions():
            # `fields` may leave the generation out; a client does not mind more than it asked for.
            status, headers, body = self.ask(self.target(without={*CONDITIONS, "fields"}))
            if status == 200:
                check(self._conditions(), json.loads(body))
            self.send(status, kept(headers), body)
        elif self.command in ("DELETE", "PATCH", "PUT"):
            with self.server.lock(bucket, name):
                self._check_before(bucket, name)
                self._pass_on(self.target(without=CONDITIONS))
        else:
            self._pass_on(self.target())

    def _check_before(self, bucket: str, name: str) -> None:
        if conditions := self._conditions():
            check(conditions, self.upstream.resource(bucket, name))

    def _read_media(self, target: str, said: Mapping[str, str]) -> None:
        """Stream an object's bytes, if it is in the generation asked for."""
        response = self.upstream.request(self.command, target, self.headers_on())
        try:
            if generation := response.headers.get("X-Goog-Generation"):
                check(self._conditions(), {"generation": generation})
            if response.status == 404 and self.style == "xml":
                raise not_found()
            headers = {**kept(response.headers), **said}
            if response.status == 416:
                headers["Content-Range"] = f"bytes */{self._size_bytes(target)}"  # clients know by it what is empty
            if self.style == "xml":
                headers = {key: value for key, value in headers.items() if not key.startswith("Access-Control-")}
                headers.setdefault("Cache-Control", PRIVATE)
            self.send_stream(response, headers)
        finally:
            # After an error the server closes its side, too, without saying so.
            if response.status not in (200, 206) or not response.isclosed():
                self.upstream.close()

    def _size_bytes(self, target: str) -> int:
        self.upstream.close()
        _, _, body = self.upstream.ask("GET", target.partition("?")[0].removeprefix("/download"))
        return int(json.loads(body)["size"])

    def _make_of_objects(self, bucket: str, name: str) -> None:
        """Compose or copy: the result is an object like any other."""
        with self.server.lock(bucket, name):
            self._check_before(bucket, name)
            status, headers, body = self.ask(self.target(without=CONDITIONS))
            if status == 200:
                answer = json.loads(body)
                made = answer.get("resource") if answer.get("kind") == "storage#rewriteResponse" else answer
                if made:
                    self.server.events.tell(made)
        self.send(status, kept(headers), body)

    def _reach_bucket(self, bucket: str | None) -> None:
        """Keep `cors`, which the server behind drops; everything else is its own."""
        sent = self.body.read()
        status, headers, body = self.ask(self.target(), sent)
        is_bucket = status == 200 and (bucket is not None or self.command == "POST") and self.command != "DELETE"
        if is_bucket:
            resource = json.loads(body)
            name = resource["name"]
            asked = json.loads(sent) if sent else {}
            if "cors" in asked or self.command == "PUT":
                self.server.cors[name] = asked.get("cors") or []
            if name in self.server.cors:
                return self.send_json(status, {**resource, "cors": self.server.cors[name]})
        self.send(status, kept(headers), body)

    def _pass_on(self, target: str) -> None:
        status, headers, body = self.ask(target)
        self.send(status, kept(headers), body)

    def _conditions(self) -> dict[str, str]:
        """Return what the request demands of the object that is there."""
        found = {key: value for key, value in self.parameters.items() if key in CONDITIONS}
        return found if self.style == "json" else {**found, **conditions_in_headers(self.headers)}
