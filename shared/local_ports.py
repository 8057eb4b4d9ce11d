"""What a server of one machine's objects needs of a bucket, as protocols: what Cloud Storage does itself elsewhere."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from shared.domain.grant import Grant
from shared.domain.upload_session import UploadSession
from shared.ports import ObjectStat


class GrantedUrls(Protocol):
    """Judges the signed addresses of one bucket."""

    def granted(self, method: str, path: str, query: str, headers: Iterable[tuple[str, str]]) -> Grant:
        """Return what a request may do; path and query are given as they arrived, encoded.

        Raises NotAllowed for whatever was not signed like this, and BadRequest `url_expired`.
        """
        ...

    def name_in(self, path: str) -> str:
        """Return the object's name in an encoded path. Raises NotAllowed for every spelling but the signer's own."""
        ...

    def session_url(self, name: str, token: str) -> str:
        """Return the address of an upload in parts that has begun: its token is all that is asked for."""
        ...


class UploadWriter(Protocol):
    """Whoever holds an upload: says what comes, brings it piece by piece, and ends or breaks off."""

    @property
    def session(self) -> UploadSession:
        """The upload as it now is."""
        ...

    @property
    def stored_bytes(self) -> int:
        """How many of its bytes have arrived."""
        ...

    def expect(self, content_range: str | None, body_bytes: int | None) -> None:
        """Take note of what a request brings, by its Content-Range and its Content-Length.

        Raises BadRequest `too_large` and `bad_content_range`, TryAgain `upload_gap` and `disk_full`.
        """
        ...

    def write(self, piece: bytes | bytearray | memoryview) -> None:
        """Append what is new in a piece of the body.

        Raises BadRequest `too_large` and `bad_content_range`, TryAgain `disk_full`; what came before stays.
        """
        ...

    def end(self) -> None:
        """The body has ended: complete the object if all of it is there, else keep what arrived.

        Raises AlreadyThere when the object's name was taken meanwhile, NotFound when the upload was forgotten.
        """
        ...

    def break_off(self) -> None:
        """Keep what arrived, in whole quanta."""
        ...


class UploadSessions(Protocol):
    """The uploads in parts of one bucket, by object name and token."""

    def begin(self, name: str, *, content_type: str, max_bytes: int, total_bytes: int | None = None) -> str:
        """Return the token of a new upload. Raises BadRequest `too_large`, TryAgain `disk_full`."""
        ...

    def find(self, name: str, token: str) -> tuple[UploadSession, int]:
        """Return an upload, and how many of its bytes count as stored.

        Raises NotFound: `unknown_upload`, or `upload_cancelled` for one that was ended by its sender.
        """
        ...

    def writing(self, name: str, token: str) -> AbstractContextManager[UploadWriter]:
        """Hold the upload alone. Raises what `find` does, and TryAgain `upload_busy` while somebody else holds it."""
        ...

    def cancel(self, name: str, token: str) -> None:
        """End the upload; what arrived is removed. Raises what `find` does."""
        ...

    def drop(self, name: str, token: str) -> None:
        """Remove every trace of the upload."""
        ...


class ServedObjects(Protocol):
    """The objects of one bucket, and those that are still arriving."""

    @property
    def sessions(self) -> UploadSessions:
        """What is still arriving."""
        ...

    def stat(self, name: str) -> ObjectStat:
        """Raises NotFound."""
        ...

    def open(self, name: str, generation: str | None = None) -> BinaryIO:
        """Return a seekable reader, pinned to the generation. Raises NotFound."""
        ...
