"""Dead letters in the SQLite file that holds the messages."""

import sqlite3
from collections.abc import Collection, Sequence
from pathlib import Path

from shared.adapters.local.database import Database
from shared.adapters.local.sqlite_bus import SCHEMA
from shared.domain.messages import HANDLED_TOPICS, DeadLetter, key_of
from shared.ports import Clock, KeptLetter

COLUMNS = "id, code, reason, original_topic, body, at"


class SqliteDeadLetters:
    """The DeadLetters of a SqliteBus. Raises TryAgain when the file is locked too long."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._database = Database(path, schema=SCHEMA)
        self._clock = clock

    def list(self) -> Sequence[KeptLetter]:
        """Return the letters, oldest first."""
        with self._database.reading() as db:
            return _all(db)

    def replay(self, ids: Collection[str] | None = None) -> Sequence[str]:
        """Put these letters' bodies, or all, back among the messages, and return whose that was done to.

        The letter goes in the same transaction, so no body comes back twice.
        """
        with self._database.changing() as db:
            wanted = [kept for kept in _all(db) if ids is None or kept.id in ids]
            wanted = [kept for kept in wanted if kept.letter.original_topic in HANDLED_TOPICS]
            for kept in wanted:
                letter = kept.letter
                sql = "INSERT INTO messages (topic, key, body, due_at) VALUES (?, ?, ?, ?)"
                db.execute(sql, (letter.original_topic, key_of(letter.body), letter.body, self._clock()))
                db.execute("DELETE FROM dead_letters WHERE id = ?", (int(kept.id),))
        return [kept.id for kept in wanted]

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()


def _all(db: sqlite3.Connection) -> list[KeptLetter]:
    rows = db.execute(f"SELECT {COLUMNS} FROM dead_letters ORDER BY id").fetchall()
    return [
        KeptLetter(id=str(number), letter=DeadLetter(code=code, reason=reason, original_topic=topic, body=body), at=at)
        for number, code, reason, topic, body, at in rows
    ]
