"""A bucket of Cloud Storage as an ObjectStore."""

import base64
import io
import secrets
import stat
import time
from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast

import google_crc32c
from google.api_core import exceptions
from google.api_core.retry import Retry
from google.cloud.storage import Blob, Client
from google.cloud.storage.retry import DEFAULT_RETRY

from shared.adapters.gcp.failures import translated
from shared.adapters.gcp.ranged_reader import RangedReader
from shared.domain.content_types import content_type_of
from shared.domain.object_path import checked_parts, checked_prefix
from shared.domain.source_address import SourceAddress
from shared.errors import AlreadyThere, NotFound, TryAgain
from shared.ports import GENERATION_GONE, ObjectStat

UPLOAD_CHUNK_BYTES = (
    16 * 1024 * 1024
)  # kept in memory until it has arrived; a multiple of 256 KiB, as the protocol asks
MOST_COPYING_S = 240.0  # a push subscription waits for 600 s at the most, and there is more to do than to copy
TRIES = 3  # a call that hangs is given up after this many times its timeout
WRITER = "montage-writer"
"""Key of the metadata that tells one call of `write` or `upload` from every other."""
GONE = (exceptions.NotFound, exceptions.PreconditionFailed, exceptions.RequestRangeNotSatisfiable)


class CloudStorage:
    """An ObjectStore on one bucket, safe for threads; readers belong to one thread each.

    The bucket keeps no old generations. Checksums (CRC32C) are compared on the way in, by the store before the object
    appears, and on the way out of `read`. What the client may try again is bounded and jittered.
    """

    def __init__(self, client: Client, bucket: str, *, timeout_s: float) -> None:
        self._bucket = client.bucket(bucket)
        self._timeout_s = timeout_s
        # The client's own policy says what passes; its first wait of 1 s and its end after 120 s are made for others.
        self._retry: Retry = DEFAULT_RETRY.with_delay(initial=0.25, maximum=8.0).with_timeout(TRIES * timeout_s)

    def open(self, name: str, generation: str | None = None) -> BinaryIO:
        """Return a seekable reader, pinned to the generation. Raises NotFound when that generation is gone.

        It is a RangedReader, which counts its requests and bytes.
        """
        found = self._found(name, generation)
        fetch = partial(self._fetched, name, int(found.generation))
        reader = RangedReader(fetch, name=name, size_bytes=found.size_bytes, retry=self._retry, requests=1)
        return cast("BinaryIO", reader)

    def read(self, name: str) -> bytes:
        """Return the whole object. Raises NotFound."""
        checked_parts(name)
        with translated(f"Reading {name}"):
            try:
                # Tried again as a whole: what the client itself resumes in the middle, it does not check.
                data, blob = self._retry(partial(self._downloaded, name))()
            except exceptions.NotFound as error:
                raise self._missing(name) from error
        if blob.crc32c != _checksum(data):
            raise TryAgain(f"{name}: its bytes were damaged on the way.", code="damaged")
        return data

    def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
        """Store the bytes. Raises AlreadyThere when `only_if_absent` and the name is taken; one of many racers wins."""
        checked_parts(name)
        return self._stored(name, io.BytesIO(data), len(data), _checksum(data), only_if_absent=only_if_absent)

    def upload(self, path: Path, name: str, *, only_if_absent: bool = False) -> ObjectStat:
        """Store a file. Raises AlreadyThere like `write`, NotFound if there is no such file.

        Files of more than 8 MiB go by a resumable session, in chunks.
        """
        checked_parts(name)
        with _opened(path) as file:
            checksum = _checksum_of_file(file)
            size_bytes = file.tell()
            file.seek(0)
            return self._stored(name, file, size_bytes, checksum, only_if_absent=only_if_absent)

    def stat(self, name: str) -> ObjectStat:
        """Raises NotFound."""
        return self._found(name, None)

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with the prefix, in order.

        Names that no store would take (as "folder/", which the console makes) are left out, as they cannot be read.
        """
        checked_prefix(prefix)
        with translated(f"Listing {prefix!r}"):
            for blob in self._bucket.list_blobs(
                prefix=prefix, fields="items(name),nextPageToken", timeout=self._timeout_s, retry=self._retry
            ):
                if _is_name(blob.name):
                    yield blob.name

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error.

        Only the generation found first: tried again, the call must not remove what another one wrote meanwhile.
        """
        with translated(f"Deleting {name}"):
            try:
                self._delete(name, self.stat(name).generation)
            except (NotFound, exceptions.NotFound, exceptions.PreconditionFailed):
                return

    def stat_elsewhere(self, source: SourceAddress) -> ObjectStat:
        """Return what is known of an object in another bucket. Raises NotFound."""
        checked_parts(source.name)
        with translated(f"Looking for {source}"):
            bucket = self._bucket.client.bucket(source.bucket)
            blob = bucket.get_blob(source.name, timeout=self._timeout_s, retry=self._retry)
        if blob is None:
            raise NotFound(f"There is no object {source}.")
        return _stat_of(blob)

    def copy_from(self, source: SourceAddress, name: str) -> ObjectStat:
        """Have the store copy another bucket's object. Raises AlreadyThere, NotFound.

        Within one location that is a matter of a moment, whatever the size. From another one the bytes travel; what
        has not arrived after four minutes raises TryAgain `copy_takes_long`, and the next call begins anew.
        """
        checked_parts(name)
        checked_parts(source.name)
        token = secrets.token_hex(16)
        blob = self._bucket.blob(name)
        blob.metadata = {WRITER: token}
        blob.content_type = "application/octet-stream"
        with translated(f"Copying {source} to {name}"):
            try:
                self._rewrite(source, blob)
            except exceptions.NotFound as error:
                raise NotFound(f"There is no object {source}.") from error
            except exceptions.PreconditionFailed as error:
                blob = self._written_after_all(name, token, error)
        return _stat_of(blob)

    def _rewrite(self, source: SourceAddress, blob: Blob) -> None:
        """Copy in as many calls as the store needs, each of which may be repeated."""
        origin = self._bucket.client.bucket(source.bucket).blob(source.name)
        give_up_at = time.monotonic() + MOST_COPYING_S
        part: str | None = None
        while True:
            part, _, _ = blob.rewrite(
                origin, token=part, if_generation_match=0, timeout=self._timeout_s, retry=self._retry
            )
            if part is None:
                return
            if time.monotonic() >= give_up_at:
                raise TryAgain(f"Copying {source} takes very long; is its bucket in our location?", "copy_takes_long")

    def _delete(self, name: str, generation: str) -> None:
        self._bucket.delete_blob(name, if_generation_match=int(generation), timeout=self._timeout_s, retry=self._retry)

    def _found(self, name: str, generation: str | None) -> ObjectStat:
        checked_parts(name)
        with translated(f"Looking for {name}"):
            blob = self._blob_there(name, generation)
            if blob is not None:
                return _stat_of(blob)
            # The store says 404 of a generation that was replaced as of an object that never was.
            is_replaced = generation is not None and self._blob_there(name, None) is not None
        raise self._gone(name, generation) if is_replaced else self._missing(name)

    def _blob_there(self, name: str, generation: str | None) -> Blob | None:
        if generation is not None and not generation.isdecimal():  # another store's, or nonsense
            return None
        pinned = None if generation is None else int(generation)
        return self._bucket.get_blob(name, generation=pinned, timeout=self._timeout_s, retry=self._retry)

    def _fetched(self, name: str, generation: int, start: int, end: int) -> bytes:
        """Return a range in one request, not retried. Raises NotFound when another generation, or nothing, is there.

        Cloud Storage answers 404 when it no longer has the generation asked for, and says in a header which one it
        sent. 416 is what a store would say that looked at another generation than asked, 412 one that compared.
        """
        blob = self._bucket.blob(name, generation=generation)
        try:
            data = cast("bytes", self._content(blob, start=start, end=end - 1))
        except GONE as error:
            raise self._gone(name, str(generation)) from error
        if blob.generation is not None and int(blob.generation) != generation:
            raise self._gone(name, str(generation))
        return data

    def _downloaded(self, name: str) -> tuple[bytes, Blob]:
        blob = self._bucket.blob(name)
        return cast("bytes", self._content(blob)), blob

    def _content(self, blob: Blob, **bounds: int) -> object:
        return blob.download_as_bytes(
            **bounds,
            raw_download=True,  # as stored: sizes and checksums are those of what lies there, compressed or not
            single_shot_download=True,  # one read of the answer, not one for every few KiB
            checksum=None,  # compared by us, where it can be: the client only logs that there was none
            timeout=self._timeout_s,
            retry=None,
        )

    def _stored(self, name: str, data: BinaryIO, size_bytes: int, checksum: str, *, only_if_absent: bool) -> ObjectStat:
        """Put the bytes at the name.

        A create may take effect and its answer be lost; tried again, it meets its own object. Size and checksum cannot
        tell whose that is, for racers may write the same bytes, so each call leaves a token of its own on what it
        writes and looks for it before it says AlreadyThere. A write over what is there may be tried again, too: it
        ends in the same bytes, under one more generation, and the last of several writers wins as ever.
        """
        token = secrets.token_hex(16)
        blob = self._bucket.blob(name, chunk_size=UPLOAD_CHUNK_BYTES)
        blob.metadata = {WRITER: token}
        blob.crc32c = checksum  # the store refuses other bytes before anybody sees them
        with translated(f"Writing {name}"):
            try:
                blob.upload_from_file(
                    data,
                    size=size_bytes,
                    content_type=content_type_of(name) or "application/octet-stream",
                    if_generation_match=0 if only_if_absent else None,
                    checksum=None,  # the client's own would remove, unasked, whatever is there after a mismatch
                    timeout=self._timeout_s,
                    retry=self._retry,
                )
            except exceptions.GoogleAPICallError as error:
                blob = self._written_after_all(name, token, error)
            if blob.crc32c != checksum:
                self._delete(name, str(blob.generation))
                raise self._damaged(name)
        return _stat_of(blob)

    def _written_after_all(self, name: str, token: str, error: exceptions.GoogleAPICallError) -> Blob:
        """Return what an earlier try wrote, whose answer was lost. Raises what the refusal means if there is nothing.

        412: the name is taken. 404 or 410: the upload's session is over, which its last chunk's answer would have said.
        """
        if error.code in (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
            there = self._blob_there(name, None)
            if there is not None and (there.metadata or {}).get(WRITER) == token:
                return there
        if error.code == HTTPStatus.PRECONDITION_FAILED:
            raise AlreadyThere(f"{self._bucket.name}: {name} is already there.") from error
        if error.code in (HTTPStatus.GONE, HTTPStatus.NOT_FOUND):  # 404 is a missing bucket's, too: it stays missing
            raise TryAgain(f"{name}: the store gave its upload up.", code="cloud_unavailable") from error
        if error.code == HTTPStatus.BAD_REQUEST and "crc32c" in str(error).lower():
            raise self._damaged(name) from error
        raise error

    def _missing(self, name: str) -> NotFound:
        return NotFound(f"{self._bucket.name}: there is no object {name}.")

    def _gone(self, name: str, generation: str | None) -> NotFound:
        return NotFound(
            f"{name}: the object was replaced or removed (wanted generation {generation}).", code=GENERATION_GONE
        )

    def _damaged(self, name: str) -> TryAgain:
        return TryAgain(f"{name}: its bytes were damaged on the way, or changed while they were read.", code="damaged")


def _stat_of(blob: Blob) -> ObjectStat:
    return ObjectStat(
        name=blob.name,
        size_bytes=int(blob.size),
        generation=str(blob.generation),
        content_type=blob.content_type,
    )


def _is_name(name: str) -> bool:
    try:
        checked_parts(name)
    except ValueError:
        return False
    return True


def _opened(path: Path) -> BinaryIO:
    """Return the file. Raises NotFound if there is none, ValueError for a folder or a device."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ValueError(f"{path} is not a regular file")
        return path.open("rb")
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}.") from error


def _checksum(data: bytes) -> str:
    return _as_text(google_crc32c.value(data))


def _checksum_of_file(file: BinaryIO) -> str:
    """Read the file to its end."""
    checksum = 0
    while part := file.read(1024 * 1024):
        checksum = google_crc32c.extend(checksum, part)
    return _as_text(checksum)


def _as_text(checksum: int) -> str:
    """Return the form that the store's answers have."""
    return base64.b64encode(checksum.to_bytes(4, "big")).decode("ascii")
