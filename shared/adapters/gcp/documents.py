"""Firestore documents, read with patience and changed by compare-and-set.

A change reads, applies a pure function and writes on the condition that the document's update time is still the one
that was read. Nobody holds a lock meanwhile, so a process that dies in the middle leaves nothing for others to wait
for; who comes second reads again. (A transaction would lock what it reads for as long as its owner lives, or a minute
after its death.)

Each write leaves a mark of its own in the document. A call whose answer was lost finds by it that its write took
effect, instead of doing it twice or taking itself for somebody else. (Only if others have written since then does it
ask once more what is to be done, which pure changes that look at what they find bear.)
"""

import logging
import random
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from google.api_core import exceptions
from google.api_core.retry import Retry, if_exception_type
from google.cloud.firestore import Client, CollectionReference, DocumentReference, DocumentSnapshot, Query

from shared.adapters.gcp.failures import PASSES, translated
from shared.errors import MontageError, TryAgain
from shared.log import event

log = logging.getLogger(__name__)

T = TypeVar("T")

MARK = "written_by"
"""Field with the last write's mark."""
CREATED = "created_by"
"""Field with the mark of the call that created the document; later writes leave it."""
TRIES = 20  # 8 threads that did nothing but change one document needed up to 11; the pauses add up to 8 s on average
PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0  # first about a round trip; then what a document bears: a write a second
LOST_ANSWERS = 2  # each may take a whole timeout; a service that is away is the caller's to wait for

_OVERTAKEN = (exceptions.Conflict, exceptions.FailedPrecondition, exceptions.NotFound)
"""Somebody else wrote first. Aborted and AlreadyExists are Conflicts; NotFound: the document was deleted."""
_NO_ID = (".", "..", "")

Snapshot = DocumentSnapshot[DocumentReference]
"""A document as it was at one moment, or that it was not there."""
Decision = tuple[Mapping[str, Any] | None, T]
"""The fields to write, None when the document stays as it is, and the call's answer."""


class Documents:
    """Reads and compare-and-set writes of one client. Raises TryAgain where time may help."""

    def __init__(self, client: Client, *, timeout_s: float) -> None:
        self._client = client
        self._timeout_s = timeout_s
        # Reads may always be repeated. The client's own default would go on for five minutes.
        self._reading: dict[str, Any] = {
            "timeout": timeout_s,
            "retry": Retry(if_exception_type(*PASSES), initial=0.1, timeout=timeout_s),
        }

    def read(self, *references: DocumentReference) -> list[Snapshot]:
        """Return the documents as they were at one moment, in the order asked for; `exists` says which are there."""
        with translated(f"Reading {references[0].path}"):
            found = {each.reference.path: each for each in self._client.get_all(list(references), **self._reading)}
        return [found[reference.path] for reference in references]

    def matching(self, query: Query) -> list[Snapshot]:
        """Return the query's documents."""
        with translated("Listing records"):
            return list(query.stream(**self._reading))

    def count(self, query: Query) -> int:
        """Return how many documents the query has, without reading them."""
        with translated("Counting records"):
            rows: Any = query.count().get(**self._reading)  # a row of one result, whatever the types say
            return int(rows[0][0].value)

    def change(self, references: Sequence[DocumentReference], decide: Callable[..., Decision[T]]) -> T:
        """Write what `decide` says to the first of the documents and return its answer.

        `decide` is given a snapshot of each of them, all of one moment. It is pure and is asked again whenever the
        first has changed before it could be written; what it raises comes out. TryAgain when that happens too often.
        """
        mine: dict[str, T] = {}
        lost = 0
        for number in range(TRIES):
            time.sleep(_pause_s(number))
            snapshots = self.read(*references)
            mark = fields_of(snapshots[0]).get(MARK)
            if mark in mine:
                return mine[mark]
            fields, answer = decide(*snapshots)
            if fields is None:
                return answer
            mark = secrets.token_hex(8)
            mine[mark] = answer
            try:
                if self._write(snapshots[0], {**fields, MARK: mark}):
                    return answer
            except TryAgain as error:
                lost += 1
                log.info("%s Looking whether it took effect.", error.message, extra=event("write_unanswered"))
                if lost > LOST_ANSWERS:
                    raise
        raise TryAgain(f"{references[0].path} changed {TRIES} times while it was to be changed.", code="record_busy")

    def create(
        self,
        reference: DocumentReference,
        fields: Mapping[str, Any],
        *others: DocumentReference,
        unless: Callable[..., bool] = lambda *_: False,
    ) -> bool:
        """Write a new document. Returns False, changing nothing, when it is there and not by this very call.

        Nor is it written when `unless` is true of what the `others` are at the moment at which it is not there.
        """
        call = secrets.token_hex(8)

        def decide(before: Snapshot, *beside: Snapshot) -> Decision[bool]:
            if not before.exists and unless(*beside):
                return None, False
            if before.exists:  # perhaps by a write of ours whose answer was lost; others may have changed it since
                return None, fields_of(before).get(CREATED) == call
            return {**fields, CREATED: call}, True

        return self.change([reference, *others], decide)

    def delete(self, reference: DocumentReference) -> None:
        """Remove the document; one that is not there is no error, so it may be repeated."""
        with translated(f"Removing {reference.path}"):
            reference.delete(**self._reading)

    def _write(self, before: Snapshot, fields: Mapping[str, Any]) -> bool:
        """Write if the document still is as it was read, and return whether it was. Repeating is left to `change`."""
        reference = before.reference
        once: dict[str, Any] = {"timeout": self._timeout_s, "retry": None}
        with translated(f"Writing {reference.path}"):
            try:
                if before.exists:
                    unchanged = self._client.write_option(last_update_time=before.update_time)
                    reference.update(dict(fields), option=unchanged, **once)
                else:
                    reference.create(dict(fields), **once)
                return True
            except _OVERTAKEN:
                return False
            except exceptions.InvalidArgument as error:  # most likely larger than the 1 MiB a document may have
                raise MontageError("record_refused", f"Firestore refuses {reference.path}: {error.message}") from error


def fields_of(snapshot: Snapshot) -> dict[str, Any]:
    """Return a document's fields; none when it is not there."""
    fields: dict[str, Any] | None = snapshot.to_dict()
    return fields or {}


def document(collection: CollectionReference, record_id: str) -> DocumentReference | None:
    """Return the document of that id, None when no document can have it. A "/" in it would lead somewhere else."""
    is_id = "/" not in record_id and record_id not in _NO_ID and len(record_id.encode()) <= 1500
    is_reserved = record_id.startswith("__") and record_id.endswith("__")
    return collection.document(record_id) if is_id and not is_reserved else None


def _pause_s(number: int) -> float:
    """Return how long to wait before that try: anything up to a bound that doubles, so that nobody keeps step."""
    return 0.0 if number == 0 else random.uniform(0, min(LONGEST_PAUSE_S, PAUSE_S * 2**number))
