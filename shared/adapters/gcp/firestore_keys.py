"""API keys in Firestore: `keys/{sha256}`."""

from collections.abc import Sequence
from typing import Any

from google.cloud.firestore import Client
from google.cloud.firestore_v1.base_query import FieldFilter

from shared.adapters.gcp.documents import Decision, Documents, Snapshot, document, fields_of
from shared.adapters.gcp.firestore_values import restored, stored
from shared.domain.api_key import ApiKey, revoked
from shared.domain.record import from_dict, to_dict
from shared.errors import NotFound


class FirestoreKeys:
    """A KeyStore in Firestore; (owner, created_at, __name__) rising is an index that Terraform makes.

    Everybody's keys come by the index of `created_at` alone, which Firestore keeps by itself.
    """

    def __init__(self, client: Client, *, timeout_s: float) -> None:
        self._documents = Documents(client, timeout_s=timeout_s)
        self._keys = client.collection("keys")

    def add(self, key: ApiKey) -> bool:
        """Store a new key. Returns False, changing nothing, when a key of that hash exists."""
        reference = document(self._keys, key.sha256)
        if reference is None:
            raise ValueError(f"{key.sha256!r} is no hash")
        return self._documents.create(reference, _fields(key))

    def find(self, sha256: str) -> ApiKey | None:
        """Return the key of that hash, revoked ones too; None when nobody added it."""
        reference = document(self._keys, sha256)
        return _key_in(self._documents.read(reference)[0]) if reference is not None else None

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        """Return an owner's keys, or everybody's, oldest first, revoked ones too."""
        owned = self._keys if owner is None else self._keys.where(filter=FieldFilter("owner", "==", owner))
        found = self._documents.matching(owned.order_by("created_at").order_by("__name__"))
        return [key for snapshot in found if (key := _key_in(snapshot)) is not None]

    def revoke(self, sha256: str, *, at: float) -> ApiKey:
        """Record that the key no longer counts, and return it; the first time stands. Raises NotFound."""

        def decide(snapshot: Snapshot) -> Decision[ApiKey]:
            before = _key_in(snapshot)
            if before is None:
                raise _unknown()
            after = revoked(before, at=at)
            return (_fields(after) if after != before else None), after

        reference = document(self._keys, sha256)
        if reference is None:
            raise _unknown()
        return self._documents.change([reference], decide)

    def close(self) -> None:
        """Leave the client to whoever made it."""


def _fields(key: ApiKey) -> dict[str, Any]:
    return {"owner": key.owner, "created_at": float(key.created_at), "body": stored(to_dict(key))}


def _key_in(snapshot: Snapshot) -> ApiKey | None:
    return from_dict(ApiKey, restored(fields_of(snapshot)["body"])) if snapshot.exists else None


def _unknown() -> NotFound:
    return NotFound("There is no such key.", code="unknown_key")
