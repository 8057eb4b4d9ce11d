"""What Cloud Storage answers: uploads, signed URLs and preconditions are judged here, the rest is passed on."""

import base64
import hashlib
import json
import re
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from email.message import Message
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import parse_qsl, quote, unquote, urlencode

from google_crc32c import Checksum

from tests.emulators.bucket_cors import allowance, preflight
from tests.emulators.request_body import PIECE_BYTES, BrokenOff, RequestBody
from tests.emulators.signed_urls import signer
from tests.emulators.storage_refusals import Refusal, Style, access_denied, precondition_failed
from tests.emulators.storage_upstream import Upstream, object_path
from tests.emulators.upload_sessions import Session, Upload

if TYPE_CHECKING:
    from tests.emulators.storage_proxy import ProxyServer

JSON_API = ("/storage/v1", "/download/storage/v1", "/upload/storage/v1", "/batch/", "/_internal/")
UPLOADS = re.compile(r"/upload/storage/v1/b/([^/]+)/o")
OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/([^/]+)")
MADE_OF_OBJECTS = re.compile(r"/storage/v1/b/(?:[^/]+/o/[^/]+/(?:rewriteTo|copyTo)/b/)?([^/]+)/o/([^/]+?)(?:/compose)?")
BUCKETS = re.compile(r"/storage/v1/b(?:/([^/]+))?")
IN_XML = re.compile(r"/([^/]+)/(.+)")
CONDITIONS = {"generation", "ifGenerationMatch", "ifGenerationNotMatch"}
OF_A_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer", "host"}
REASONS = {308: "Resume Incomplete", 499: "Client Closed Request"}
RESOURCE_HEADERS = {
    "Cache-Control": "cacheControl",
    "Content-Disposition": "contentDisposition",
    "Content-Encoding": "contentEncoding",
    "Content-Language": "contentLanguage",
}
LARGEST_METADATA_BYTES = 1024 * 1024


class StorageHandler(BaseHTTPRequestHandler):
    """One client's connection, and one of its own to the server behind."""

    server: "ProxyServer"
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60.0  # a client that is silent for longer has gone

    def setup(self) -> None:
        super().setup()
        self.upstream = Upstream(self.server.upstream_port, public_host=self.server.url.removeprefix("http://"))

    def finish(self) -> None:
        self.upstream.close()
        super().finish()

    def log_message(self, format: str, *arguments: object) -> None:
        pass

    def handle_request(self) -> None:
        """Answer one request, whatever it is."""
        self.path, _, self.raw_query = self.path.partition("?")
        self.query = parse_qsl(self.raw_query, keep_blank_values=True)
        self.parameters = dict(self.query)
        self.style: Style = "json" if self.path.startswith(JSON_API) else "xml"
        self.cors: Mapping[str, str] = {}
        self.body = RequestBody(cast("Any", self.rfile), self.headers)
        self.server.traffic.count_request(self._object_key(), self.headers)
        try:
            self._answer()
            self.body.drain()  # or what is left of it would be taken for the next request
        except Refusal as refusal:
            self._refuse(refusal)
        except BrokenOff:
            self.close_connection = True
        except (ConnectionError, TimeoutError) as error:  # the client's, nearly always
            self.server.log(f"{self.command} {self.path}: {error!r}\n")
            self.close_connection = True
        except Exception:
            self.server.log(traceback.format_exc())
            self.close_connection = True
            with suppress(OSError):
                self._send(500, {}, b"the storage proxy failed; see its log")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = handle_request

    def _answer(self) -> None:
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
            self._pass_on(self._target())

    # The XML API: signed URLs.

    def _answer_in_xml(self, bucket: str, name: str) -> None:
        if self.command == "OPTIONS":
            return self._preflight(bucket)
        if "upload_id" in self.parameters and self.command in ("PUT", "POST", "DELETE"):
            return self._continue(bucket)
        self._allow_origin(bucket, self.headers.get("Origin"))
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
            self._put_in_xml(self._described_in_headers(bucket, name, account))
        elif self.command == "POST" and self.headers.get("x-goog-resumable") == "start":
            self._need(account, "create", bucket)
            self._begin(self._described_in_headers(bucket, name, account), status=201)
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
            raise _not_found()
        self._send(204, {})

    def _put_in_xml(self, upload: Upload) -> None:
        with tempfile.TemporaryFile(dir=self.server.folder) as file:
            size_bytes = self._spool(file, upload)
            resource = self._create(upload, file, start=0, size_bytes=size_bytes)
        self._send(200, _headers_of(resource))

    def _described_in_headers(self, bucket: str, name: str, account: str) -> Upload:
        """Return the object that an XML request's headers describe."""
        resource: dict[str, Any] = {
            field: self.headers[header] for header, field in RESOURCE_HEADERS.items() if header in self.headers
        }
        resource["contentType"] = self.headers.get("Content-Type", "application/octet-stream")
        prefix = "x-goog-meta-"
        metadata = {
            key.lower().removeprefix(prefix): value
            for key, value in self.headers.items()
            if key.lower().startswith(prefix)
        }
        bounds = re.fullmatch(r"(\d+),(\d+)", self.headers.get("x-goog-content-length-range", "").replace(" ", ""))
        if "x-goog-content-length-range" in self.headers and not bounds:
            raise Refusal(400, "InvalidArgument", "x-goog-content-length-range is not two numbers.")
        return Upload(
            bucket=bucket,
            name=name,
            resource={**resource, "metadata": metadata} if metadata else resource,
            style="xml",
            conditions=self._conditions(),
            account=account,
            origin=self.headers.get("Origin"),
            min_bytes=int(bounds[1]) if bounds else 0,
            max_bytes=int(bounds[2]) if bounds else None,
        )

    # Uploads by the JSON API.

    def _upload_in_json(self, bucket: str) -> None:
        if self.command == "OPTIONS":
            return self._preflight(bucket)
        if "upload_id" in self.parameters:
            return self._continue(bucket)
        self._allow_origin(bucket, self.headers.get("Origin"))
        kind = self.parameters.get("uploadType")
        if kind == "resumable":
            resource = json.loads(self.body.read() or b"{}")
            if "X-Upload-Content-Type" in self.headers:
                resource.setdefault("contentType", self.headers["X-Upload-Content-Type"])
            self._begin(self._described_in_json(bucket, resource), status=200)
        elif kind == "media":
            resource = {"contentType": self.headers.get("Content-Type", "application/octet-stream")}
            with tempfile.TemporaryFile(dir=self.server.folder) as file:
                size_bytes = self._spool(file)
                stored = self._create(self._described_in_json(bucket, resource), file, start=0, size_bytes=size_bytes)
            self._send_json(200, stored)
        elif kind == "multipart":
            with tempfile.TemporaryFile(dir=self.server.folder) as file:
                size_bytes = self._spool(file)
                resource, start, end = _parts(file, size_bytes, self.headers.get_param("boundary"))
                stored = self._create(
                    self._described_in_json(bucket, resource), file, start=start, size_bytes=end - start
                )
            self._send_json(200, stored)
        else:
            raise Refusal(400, "InvalidArgument", f"uploadType={kind}")

    def _described_in_json(self, bucket: str, resource: dict[str, Any]) -> Upload:
        name = self.parameters.get("name") or resource.get("name")
        if not name:
            raise Refusal(400, "Required", "The object has no name.")
        return Upload(
            bucket=bucket,
            name=name,
            resource=resource,
            style="json",
            conditions={
                key: value for key, value in self.parameters.items() if key not in ("uploadType", "name", "alt")
            },
            origin=self.headers.get("Origin"),
        )

    # Resumable uploads of both kinds.

    def _begin(self, upload: Upload, *, status: int) -> None:
        self.body.drain()
        if {"ifGenerationMatch", "ifGenerationNotMatch"} & upload.conditions.keys():  # judged again at the end
            _check(upload.conditions, self.upstream.resource(upload.bucket, upload.name))
        session = self.server.sessions.begin(upload)
        path = f"/{quote(upload.bucket)}/{quote(upload.name, safe='/~')}?"
        if upload.style == "json":
            path = f"/upload/storage/v1/b/{quote(upload.bucket)}/o?uploadType=resumable&"
        location = f"{self.server.url}{path}upload_id={session.id}"
        self._send(status, {"Location": location, "X-GUploader-UploadID": session.id})

    def _continue(self, bucket: str) -> None:
        """Take more of an upload. Its URL is all that is asked for: whoever has it may go on."""
        session = self.server.sessions.get(self.parameters["upload_id"])
        # A page other than the one that began it is not let in by Cloud Storage either.
        self._allow_origin(session.upload.bucket, session.upload.origin)
        with session.lock:
            self.server.sessions.get(session.id)  # it may have been cancelled meanwhile
            if session.upload.bucket != bucket:
                raise Refusal(404, "NoSuchUpload", "There is no such upload.")
            if self.command == "DELETE":
                self.server.sessions.cancel(session)
                return self._send(499, {})
            is_complete = session.result is not None or self._take(session)
        if not is_complete:
            stored = {"Range": f"bytes=0-{session.stored_bytes - 1}"} if session.stored_bytes else {}
            return self._send(308, stored)
        assert session.result is not None
        if session.upload.style == "json":
            self._send_json(200, session.result)
        else:
            self._send(200, _headers_of(session.result))

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
        self._refuse_damage(upload, file, start, size_bytes)
        conditions = dict(upload.conditions)
        may_replace = not upload.account or ("delete", upload.bucket) in self.server.rights[upload.account]
        if not may_replace:
            conditions.setdefault("ifGenerationMatch", "0")
        with self.server.lock(upload.bucket, upload.name):
            if "ifGenerationNotMatch" in conditions:
                _check(conditions, self.upstream.resource(upload.bucket, upload.name))
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

    def _refuse_damage(self, upload: Upload, file: BinaryIO, start: int, size_bytes: int) -> None:
        """Raise Refusal if the bytes are not those whose checksum the sender names."""
        named = [word.strip() for line in self.headers.get_all("x-goog-hash", []) for word in line.split(",")]
        named += [f"md5={self.headers['Content-MD5']}"] if "Content-MD5" in self.headers else []
        named += [f"{kind}={upload.resource[field]}" for kind, field in FIELDS.items() if upload.resource.get(field)]
        for kind, _, value in (word.partition("=") for word in named):
            checksum: Any = hashlib.md5(usedforsecurity=False) if kind == "md5" else Checksum()  # type: ignore[no-untyped-call]
            file.seek(start)
            left = size_bytes
            while left:
                piece = file.read(min(left, PIECE_BYTES))
                left -= len(piece)
                checksum.update(piece)
            if base64.b64encode(checksum.digest()).decode() != value:
                raise Refusal(400, "BadDigest", f"The {kind} of what arrived is not the one that was named, {value}.")

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
            self._read_media(self._target(without=CONDITIONS), {})
        elif self.command == "GET" and self._conditions():
            # `fields` may leave the generation out; a client does not mind more than it asked for.
            status, headers, body = self._ask(self._target(without={*CONDITIONS, "fields"}))
            if status == 200:
                _check(self._conditions(), json.loads(body))
            self._send(status, _kept(headers), body)
        elif self.command in ("DELETE", "PATCH", "PUT"):
            with self.server.lock(bucket, name):
                self._check_before(bucket, name)
                self._pass_on(self._target(without=CONDITIONS))
        else:
            self._pass_on(self._target())

    def _check_before(self, bucket: str, name: str) -> None:
        if conditions := self._conditions():
            _check(conditions, self.upstream.resource(bucket, name))

    def _read_media(self, target: str, said: Mapping[str, str]) -> None:
        """Stream an object's bytes, if it is in the generation asked for."""
        response = self.upstream.request(self.command, target, self._headers_on())
        try:
            if generation := response.headers.get("X-Goog-Generation"):
                _check(self._conditions(), {"generation": generation})
            if response.status == 404 and self.style == "xml":
                raise _not_found()
            headers = {**_kept(response.headers), **said}
            if response.status == 416:
                headers["Content-Range"] = f"bytes */{self._size_bytes(target)}"  # clients know by it what is empty
            if self.style == "xml":
                headers = {key: value for key, value in headers.items() if not key.startswith("Access-Control-")}
            self._send_stream(response, headers)
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
            status, headers, body = self._ask(self._target(without=CONDITIONS))
            if status == 200:
                answer = json.loads(body)
                made = answer.get("resource") if answer.get("kind") == "storage#rewriteResponse" else answer
                if made:
                    self.server.events.tell(made)
        self._send(status, _kept(headers), body)

    def _reach_bucket(self, bucket: str | None) -> None:
        """Keep `cors`, which the server behind drops; everything else is its own."""
        sent = self.body.read()
        status, headers, body = self._ask(self._target(), sent)
        is_bucket = status == 200 and (bucket is not None or self.command == "POST") and self.command != "DELETE"
        if is_bucket:
            resource = json.loads(body)
            name = resource["name"]
            asked = json.loads(sent) if sent else {}
            if "cors" in asked or self.command == "PUT":
                self.server.cors[name] = asked.get("cors") or []
            if name in self.server.cors:
                return self._send_json(status, {**resource, "cors": self.server.cors[name]})
        self._send(status, _kept(headers), body)

    def _pass_on(self, target: str) -> None:
        status, headers, body = self._ask(target)
        self._send(status, _kept(headers), body)

    # Towards the server behind.

    def _ask(self, target: str, sent: bytes | None = None) -> tuple[int, Message, bytes]:
        headers = self._headers_on()
        headers.pop("Accept-Encoding", None)  # so that an answer can be read
        return self.upstream.ask(self.command, target, headers, self.body.read() if sent is None else sent)

    def _target(self, *, without: set[str] = frozenset()) -> str:  # type: ignore[assignment]
        if not without & self.parameters.keys():
            return f"{self.path}?{self.raw_query}" if self.raw_query else self.path
        kept = urlencode([(key, value) for key, value in self.query if key not in without])
        return f"{self.path}?{kept}" if kept else self.path

    def _headers_on(self) -> dict[str, str]:
        dropped = {*OF_A_CONNECTION, "content-length", "authorization", "expect"}
        return {key: value for key, value in self.headers.items() if key.lower() not in dropped}

    def _conditions(self) -> dict[str, str]:
        """Return what the request demands of the object that is there."""
        found = {key: value for key, value in self.parameters.items() if key in CONDITIONS}
        for header, key in IN_HEADERS.items():
            if self.style == "xml" and header in self.headers:
                found[key] = self.headers[header]
        return found

    # Towards the client.

    def _preflight(self, bucket: str) -> None:
        asked = [
            self.headers.get(key, "") for key in ("Access-Control-Request-Method", "Access-Control-Request-Headers")
        ]
        self._send(200, preflight(self.server.rules(bucket), self.headers.get("Origin", ""), *asked))

    def _allow_origin(self, bucket: str, origin: str | None) -> None:
        if origin:
            self.cors = allowance(self.server.rules(bucket), origin, self.command)

    def _refuse(self, refusal: Refusal) -> None:
        kind = "application/xml; charset=UTF-8" if self.style == "xml" else "application/json; charset=UTF-8"
        body = b"" if refusal.status == 304 else refusal.body(self.style)
        try:
            self.body.drain()
            self._send(refusal.status, {"Content-Type": kind}, body)
        except (BrokenOff, OSError):
            self.close_connection = True

    def _send_json(self, status: int, value: object) -> None:
        self._send(status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(value).encode())

    def _send(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self._send_head(status, {**headers, **({} if status == 204 else {"Content-Length": str(len(body))})})
        if self.command != "HEAD" and body:
            self._send_bytes(body)

    def _send_stream(self, response: HTTPResponse, headers: Mapping[str, str]) -> None:
        if "Content-Length" not in response.headers:
            headers = {**headers, "Connection": "close"}  # its end is the connection's
        else:
            headers = {**headers, "Content-Length": response.headers["Content-Length"]}
        self._send_head(response.status, headers)
        buffer = memoryview(bytearray(PIECE_BYTES))
        while count := response.readinto(buffer):
            self._send_bytes(buffer[:count])

    def _send_head(self, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status, REASONS.get(status))
        for key, value in {**headers, **self.cors}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send_bytes(self, piece: "bytes | memoryview") -> None:
        # Counted before, as whoever received them may ask at once.
        self.server.traffic.count_bytes(self._object_key(), self.headers, len(piece))
        self.connection.sendall(piece)

    def _object_key(self) -> str:
        """Return "bucket/object", or the path if that names none."""
        match = OBJECT.fullmatch(self.path) or (IN_XML.fullmatch(self.path) if self.style == "xml" else None)
        return f"{unquote(match[1])}/{unquote(match[2])}" if match else self.path


FIELDS = {"crc32c": "crc32c", "md5": "md5Hash"}
IN_HEADERS = {"x-goog-if-generation-match": "ifGenerationMatch"}


def _kept(headers: Message) -> dict[str, str]:
    dropped = {*OF_A_CONNECTION, "content-length", "date", "server"}
    return {key: value for key, value in headers.items() if key.lower() not in dropped}


def _check(conditions: Mapping[str, str], resource: Mapping[str, Any] | None) -> None:
    """Raise Refusal unless the object that is there, if any, is as demanded."""
    current = str(resource["generation"]) if resource else "0"
    if conditions.get("generation", current) != current:
        raise _not_found()
    if conditions.get("ifGenerationMatch", current) != current:
        raise precondition_failed()
    if conditions.get("ifGenerationNotMatch") == current:
        raise Refusal(304, "NotModified", "The object is still in this generation.")


def _not_found() -> Refusal:
    return Refusal(404, "NoSuchKey", "The specified key does not exist.")


def _headers_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return what the XML API says of an object it has stored."""
    return {
        "ETag": f'"{resource["etag"]}"',
        "x-goog-generation": str(resource["generation"]),
        "x-goog-metageneration": str(resource.get("metageneration", 1)),
        "x-goog-hash": f"crc32c={resource['crc32c']},md5={resource['md5Hash']}",
        "x-goog-stored-content-length": str(resource["size"]),
    }


def _parts(file: BinaryIO, size_bytes: int, boundary: object) -> tuple[dict[str, Any], int, int]:
    """Return a multipart body's JSON and where in the file the object's bytes begin and end."""
    file.seek(0)
    head = file.read(LARGEST_METADATA_BYTES)
    between = f"\r\n--{boundary}".encode()
    file.seek(max(0, size_bytes - len(between) - 8))
    tail = file.read()
    first = head.find(b"\r\n\r\n")
    second = head.find(between, first)
    begins = head.find(b"\r\n\r\n", second) + 4
    ends = tail.rfind(between + b"--")
    if min(first, second, ends) < 0 or begins < 4:
        raise Refusal(400, "InvalidArgument", "The multipart body is not two parts.")
    resource = json.loads(head[first + 4 : second])
    kind = re.search(rb"(?im)^content-type:\s*([^\r\n]+)", head[second:begins])
    if kind:
        resource.setdefault("contentType", kind[1].decode())
    return resource, begins, size_bytes - len(tail) + ends
