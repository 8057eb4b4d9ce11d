"""Objects as requests describe and demand them: values only."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, BinaryIO

from google_crc32c import Checksum

from tests.emulators.request_body import PIECE_BYTES
from tests.emulators.storage_refusals import Refusal, precondition_failed
from tests.emulators.upload_sessions import Upload

CONDITIONS = {"generation", "ifGenerationMatch", "ifGenerationNotMatch"}
CONDITION_HEADERS = {"x-goog-if-generation-match": "ifGenerationMatch"}
RESOURCE_HEADERS = {
    "Cache-Control": "cacheControl",
    "Content-Disposition": "contentDisposition",
    "Content-Encoding": "contentEncoding",
    "Content-Language": "contentLanguage",
}
SIZE_HEADER = "x-goog-content-length-range"
METADATA_PREFIX = "x-goog-meta-"
CHECKSUM_FIELDS = {"crc32c": "crc32c", "md5": "md5Hash"}
CHECKSUM_WORDS = {"crc32c": "CRC32C", "md5": "MD5 hash"}
NOT_PASSED_ON = {"uploadType", "name", "alt", "fields"}  # fields: events need the whole answer
LARGEST_METADATA_BYTES = 1024 * 1024


def conditions_in_headers(headers: Message) -> dict[str, str]:
    """Return what an XML request demands of the object that is there, by the names of the JSON API."""
    return {key: headers[header] for header, key in CONDITION_HEADERS.items() if header in headers}


def check(conditions: Mapping[str, str], resource: Mapping[str, Any] | None) -> None:
    """Raise Refusal unless the object that is there, if any, is as demanded."""
    current = str(resource["generation"]) if resource else "0"
    if conditions.get("generation", current) != current:
        raise not_found()
    if conditions.get("ifGenerationMatch", current) != current:
        raise precondition_failed()
    if conditions.get("ifGenerationNotMatch") == current:
        raise Refusal(304, "NotModified", "The object is still in this generation.")


def not_found() -> Refusal:
    return Refusal(404, "NoSuchKey", "The specified key does not exist.")


def described_in_headers(bucket: str, name: str, headers: Message, *, account: str) -> Upload:
    """Return the upload that a signed request of the XML API begins."""
    resource: dict[str, Any] = {
        field: headers[header] for header, field in RESOURCE_HEADERS.items() if header in headers
    }
    resource["contentType"] = headers.get("Content-Type", "application/octet-stream")
    metadata = {
        key.lower().removeprefix(METADATA_PREFIX): value
        for key, value in headers.items()
        if key.lower().startswith(METADATA_PREFIX)
    }
    bounds = re.fullmatch(r"(\d+),(\d+)", headers.get(SIZE_HEADER, "").replace(" ", ""))
    if SIZE_HEADER in headers and not bounds:
        raise Refusal(400, "InvalidArgument", f"{SIZE_HEADER} is not two numbers.")
    return Upload(
        bucket=bucket,
        name=name,
        resource={**resource, "metadata": metadata} if metadata else resource,
        style="xml",
        conditions=conditions_in_headers(headers),
        account=account,
        origin=headers.get("Origin"),
        min_bytes=int(bounds[1]) if bounds else 0,
        max_bytes=int(bounds[2]) if bounds else None,
    )


def described_in_json(
    bucket: str, resource: Mapping[str, Any], parameters: Mapping[str, str], headers: Message
) -> Upload:
    """Return the upload that a request of the JSON API begins."""
    name = parameters.get("name") or resource.get("name")
    if not name:
        raise Refusal(400, "Required", "The object has no name.")
    return Upload(
        bucket=bucket,
        name=name,
        resource=resource,
        style="json",
        conditions={key: value for key, value in parameters.items() if key not in NOT_PASSED_ON},
        origin=headers.get("Origin"),
    )


def headers_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """Return what the XML API says of an object it has stored."""
    return {
        "ETag": f'"{resource["etag"]}"',
        "x-goog-generation": str(resource["generation"]),
        "x-goog-metageneration": str(resource.get("metageneration", 1)),
        "x-goog-hash": f"crc32c={resource['crc32c']},md5={resource['md5Hash']}",
        "x-goog-stored-content-length": str(resource["size"]),
    }


def parts(file: BinaryIO, size_bytes: int, boundary: object) -> tuple[dict[str, Any], int, int]:
    """Return a multipart body's JSON and where in the file the object's bytes begin and end."""
    file.seek(0)
    head = file.read(LARGEST_METADATA_BYTES)
    between = f"\r\n--{boundary}".encode()
    file.seek(max(0, size_bytes - len(between) - len(b"--\r\n")))
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


def refuse_damage(upload: Upload, headers: Message, file: BinaryIO, *, start: int, size_bytes: int) -> None:
    """Raise Refusal if the bytes are not those whose checksum the sender names, at the beginning or now."""
    named = [word.strip() for line in headers.get_all("x-goog-hash", []) for word in line.split(",")]
    named += [f"md5={headers['Content-MD5']}"] if "Content-MD5" in headers else []
    named += [
        f"{kind}={upload.resource[field]}" for kind, field in CHECKSUM_FIELDS.items() if upload.resource.get(field)
    ]
    for kind, _, value in (word.partition("=") for word in named):
        found = _checksum(kind, file, start, size_bytes)
        if found != value:
            what = CHECKSUM_WORDS[kind]
            raise Refusal(400, "BadDigest", f'Provided {what} "{value}" doesn\'t match calculated {what} "{found}".')


def _checksum(kind: str, file: BinaryIO, start: int, size_bytes: int) -> str:
    checksum: Any = hashlib.md5(usedforsecurity=False) if kind == "md5" else Checksum()  # type: ignore[no-untyped-call]
    file.seek(start)
    while size_bytes:
        piece = file.read(min(size_bytes, PIECE_BYTES))
        size_bytes -= len(piece)
        checksum.update(piece)
    return base64.b64encode(checksum.digest()).decode()
