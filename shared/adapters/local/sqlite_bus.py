"""Messages in an SQLite file: published here, pulled by the one machine's event pump."""

import json
import sqlite3
from collections.abc import Collection
from pathlib import Path

from shared.adapters.local.database import Database
from shared.domain.messages import DeadLetter, Message, job_id_of
from shared.ports import Clock, Delivery

VISIBILITY_S = 60.0  # longer than a handler takes; a handler killed half-way is repeated after this
SCHEMA = (
    """
    CREATE TABLE messages (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        topic TEXT NOT NULL,
        key TEXT,
        body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        due_at REAL NOT NULL
    );
    CREATE INDEX messages_by_due ON messages (due_at, id);
    CREATE TABLE dead_letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        code TEXT NOT NULL,
        reason TEXT NOT NULL,
        original_topic TEXT NOT NULL,
        body TEXT NOT NULL,
        at REAL NOT NULL
    )
    """,
)


class SqliteBus:
    """An EventBus and its Deliveries in one file. Raises TryAgain when the file is locked too long.

    A message to a topic outside `subscriptions` is dropped, as Pub/Sub does without a subscription; dead letters are
    always kept, for SqliteDeadLetters to show. A message that was taken appears again after `visibility_s` unless it
    is acknowledged.
    """

    def __init__(
        self, path: Path, *, clock: Clock, subscriptions: Collection[str], visibility_s: float = VISIBILITY_S
    ) -> None:
        self._database = Database(path, schema=SCHEMA)
        self._clock = clock
        self._subscriptions = frozenset(subscriptions)
        self._visibility_s = visibility_s

    def publish(self, message: Message) -> None:
        """Keep the message until a handler acknowledges it."""
        if isinstance(message, DeadLetter):
            self._keep(message)
        elif message.topic in self._subscriptions:
            sql = "INSERT INTO messages (topic, key, body, due_at) VALUES (?, ?, ?, ?)"
            with self._database.changing() as db:
                db.execute(sql, (message.topic, job_id_of(message), message.model_dump_json(), self._clock()))

    def take(self, *, keys: Collection[str] | None = None) -> Delivery | None:
        """Return the message longest due and hide it for a while, None when there is none.

        `keys` limits it to messages about these jobs. A message that is neither acknowledged nor retried appears again.
        """
        with self._database.reading() as db:
            if _oldest_due(db, self._clock(), keys) is None:  # a look without the lock: this is asked all the time
                return None
        with self._database.changing() as db:
            now = self._clock()
            delivery = _oldest_due(db, now, keys)
            if delivery is not None:
                sql = "UPDATE messages SET attempts = ?, due_at = ? WHERE id = ?"
                db.execute(sql, (delivery.attempts, now + self._visibility_s, delivery.id))
            return delivery

    def acknowledge(self, delivery: Delivery) -> None:
        """The message was handled: it never comes again, even if it was delivered to someone else meanwhile."""
        with self._database.changing() as db:
            db.execute("DELETE FROM messages WHERE id = ?", (delivery.id,))

    def retry(self, delivery: Delivery, *, after_s: float) -> None:
        """Deliver it again, not before `after_s` has passed. Nothing happens once it was delivered anew."""
        sql = "UPDATE messages SET due_at = ? WHERE id = ? AND attempts = ?"
        with self._database.changing() as db:
            db.execute(sql, (self._clock() + after_s, delivery.id, delivery.attempts))

    def close(self) -> None:
        """Close this process's connections."""
        self._database.close()

    def _keep(self, letter: DeadLetter) -> None:
        sql = "INSERT INTO dead_letters (code, reason, original_topic, body, at) VALUES (?, ?, ?, ?, ?)"
        with self._database.changing() as db:
            db.execute(sql, (letter.code, letter.reason, letter.original_topic, letter.body, self._clock()))


def _oldest_due(db: sqlite3.Connection, now: float, keys: Collection[str] | None) -> Delivery | None:
    """Return the next delivery as it will be once it is taken."""
    wanted = "" if keys is None else "AND key IN (SELECT value FROM json_each(?))"  # any number of keys
    sql = f"SELECT id, topic, body, attempts FROM messages WHERE due_at <= ? {wanted} ORDER BY due_at, id LIMIT 1"
    row = db.execute(sql, (now,) if keys is None else (now, json.dumps(sorted(keys)))).fetchone()
    if row is None:
        return None
    number, topic, body, attempts = row
    return Delivery(id=number, topic=topic, body=body, attempts=attempts + 1)
