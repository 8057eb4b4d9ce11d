"""An SQLite file that many threads and processes change at once."""

import contextlib
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.errors import BadRequest, MontageError, TryAgain

BUSY_S = 30.0  # a change takes milliseconds; who waits this long meets a process that hangs in the middle of one
_OURS = sqlite3.SQLITE_ERROR  # the statement is wrong; that is a bug and time does not help
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SAYS_DAMAGED = ("unsupported file format", "Could not decode to UTF-8 column")  # under a general code, or under none


class Database:
    """One file with a versioned schema. A connection belongs to one thread of one process, and is made when needed.

    What time can heal (locked, disk full, disk trouble) raises TryAgain; a damaged file raises MontageError
    `records_damaged`, which is worth no other try.
    """

    def __init__(self, path: Path, *, schema: Sequence[str]) -> None:
        """`schema[n]` are the statements that lead from version n to n + 1."""
        self._path = path
        self._schema = schema
        self._here = threading.local()
        self._all: weakref.WeakSet[_Connection] = weakref.WeakSet()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection for single SELECTs."""
        with self._trouble_explained():
            yield self._connection()

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection inside a transaction that holds the write lock from its start; an exception undoes it."""
        with self._trouble_explained():
            connection = self._connection()
            with _transaction(connection):
                yield connection

    def close(self) -> None:
        """Close this process's connections; a later call opens new ones."""
        for connection in list(self._all):
            connection.close()
        self._here = threading.local()

    def _connection(self) -> sqlite3.Connection:
        mine: _Connection | None = getattr(self._here, "connection", None)
        if mine is None or mine.pid != os.getpid():
            mine = _Connection(self._path, self._schema)
            self._here.connection = mine
            self._all.add(mine)
        return mine.raw

    @contextlib.contextmanager
    def _trouble_explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if (how := _damage(error)) is not None:
                raise _damaged(self._path, how) from error
            if not isinstance(error, sqlite3.OperationalError) or _code(error) == _OURS:
                raise
            raise TryAgain(f"{self._path} is busy or its disk in trouble: {error}.", code="database_busy") from error


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code; what Python's own module raises has none and is a bug like `_OURS`."""
    code: int = getattr(error, "sqlite_errorcode", _OURS)
    return code & 0xFF


def _damage(error: sqlite3.DatabaseError) -> str | None:
    """Return what is wrong with the file, None when it is not the file. Some messages go on to show what is in it."""
    if _code(error) in _DAMAGED:
        return str(error)
    return next((words for words in _SAYS_DAMAGED if words in str(error)), None)


def _damaged(path: Path, how: str) -> MontageError:
    advice = "move it away, together with its -wal and -shm if they are there, and Montage will begin a new one"
    return MontageError("records_damaged", f"{path} is damaged ({how}); {advice}.")


_of_parent: list[sqlite3.Connection] = []
"""Connections inherited by a fork. Closing one there would disturb the parent's, so they are never dropped."""


class _Connection:
    """A connection that closes when its thread ends."""

    def __init__(self, path: Path, schema: Sequence[str]) -> None:
        _make_folder(path.parent)
        self.pid = os.getpid()
        # Used by its own thread only, but closed by whoever drops it.
        self.raw = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _set_up(self.raw, path, schema)
        except BaseException:
            self.raw.close()
            raise

    def close(self) -> None:
        if self.pid == os.getpid():
            self.raw.close()
        else:
            _of_parent.append(self.raw)

    def __del__(self) -> None:
        if hasattr(self, "raw"):
            self.close()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TryAgain(f"{folder} cannot be made: {error.strerror}.", code="disk_trouble") from error


def _set_up(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    _enter_wal(connection)
    # A power cut may take the last commits with it, never the file's consistency. That suffices: the records then say
    # what was true seconds ago, and the pipeline derives from there what is to be done. A killed process loses nothing.
    connection.execute("PRAGMA synchronous = NORMAL")
    if _version(connection) != len(schema):
        with _transaction(connection):
            _migrate(connection, path, schema)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Let readers and a writer work side by side.

    While several processes do this to a new file, SQLite says "locked" at once without heeding its timeout.
    """
    give_up_at = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)


def _migrate(connection: sqlite3.Connection, path: Path, schema: Sequence[str]) -> None:
    version = _version(connection)  # again, now that nobody else can change it
    if version > len(schema):
        raise BadRequest(
            "newer_records",
            f"{path} was written by a newer Montage (schema {version}, this one knows {len(schema)}); update Montage.",
        )
    if version < 0:
        raise _damaged(path, f"schema {version}")
    for number in range(version, len(schema)):
        for statement in schema[number].split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number + 1}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors, such as a full disk, roll back by themselves
            connection.execute("ROLLBACK")
        raise
