"""API keys in the SQLite file of records."""

import json
from collections.abc import Sequence
from pathlib import Path

from shared.adapters.local.database import Database
from shared.adapters.local.sqlite_jobs import SCHEMA
from shared.domain.api_key import ApiKey, revoked
from shared.domain.record import from_dict, to_dict
from shared.errors import NotFound


class SqliteKeys:
    """A KeyStore in the file of SqliteJobs, safe for many threads and processes."""

    def __init__(self, path: Path) -> None:
        self._database = Database(path, schema=SCHEMA)

    def add(self, key: ApiKey) -> bool:
        """Store a new key. Returns False, changing nothing, when a key of that hash exists."""
        sql = "INSERT INTO keys (sha256, owner, created_at, body) VALUES (?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING"
        with self._database.changing() as db:
            return db.execute(sql, (key.sha256, key.owner, key.created_at, json.dumps(to_dict(key)))).rowcount == 1

    def find(self, sha256: str) -> ApiKey | None:
        """Return the key of that hash, revoked ones too; None when nobody added it."""
        with self._database.reading() as db:
            row = db.execute("SELECT body FROM keys WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else from_dict(ApiKey, json.loads(row[0]))

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        """Return an owner's keys, or everybody's, oldest first, revoked ones too."""
        with self._database.reading() as db:
            sql = "SELECT body FROM keys WHERE owner = ?1 OR ?1 IS NULL ORDER BY created_at, sha256"
            rows = db.execute(sql, (owner,)).fetchall()
        return [from_dict(ApiKey, json.loads(body)) for (body,) in rows]

    def revoke(self, sha256: str, *, at: float) -> ApiKey:
        """Record that the key no longer counts, and return it; the first time stands. Raises NotFound."""
        with self._database.changing() as db:
            row = db.execute("SELECT body FROM keys WHERE sha256 = ?", (sha256,)).fetchone()
            if row is None:
                raise NotFound("There is no such key.", code="unknown_key")
            key = revoked(from_dict(ApiKey, json.loads(row[0])), at=at)
            db.execute("UPDATE keys SET body = ? WHERE sha256 = ?", (json.dumps(to_dict(key)), sha256))
            return key

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()
