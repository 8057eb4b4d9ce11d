import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.local.database import Database
from shared.errors import MontageError, TryAgain

SCHEMA = ("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",)
PAGE_BYTES = 4096


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A sound file of several pages."""
    path = tmp_path / "notes.sqlite3"
    with closing(Database(path, schema=SCHEMA)) as database, database.changing() as db:
        db.executemany("INSERT INTO notes (body) VALUES (?)", [("x" * 500,)] * 50)
    return path


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    with closing(Database(path, schema=SCHEMA)) as database:
        yield database


def read_all(database: Database) -> int:
    with database.reading() as db:
        return len(db.execute("SELECT body FROM notes").fetchall())


def refusal(database: Database) -> MontageError:
    """Return what reading and writing are both refused with."""
    with pytest.raises(MontageError) as of_reading:
        read_all(database)
    with pytest.raises(MontageError) as of_writing, database.changing() as db:
        db.execute("UPDATE notes SET body = body || 'y'")
    assert str(of_reading.value) == str(of_writing.value)
    return of_reading.value


def overwrite(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(data)


def check(error: MontageError, path: Path) -> None:
    assert error.code == "records_damaged"
    assert not isinstance(error, TryAgain)
    assert str(error).startswith(f"{path} is damaged (")
    assert "move it away" in str(error)


def test_a_file_that_is_no_database_is_damaged(path: Path, database: Database) -> None:
    path.write_bytes(b"not a database, but as long as one" * 300)
    check(refusal(database), path)


def test_a_file_that_lost_its_end_is_damaged(path: Path, database: Database) -> None:
    path.write_bytes(path.read_bytes()[: 2 * PAGE_BYTES])
    check(refusal(database), path)


def test_a_file_with_a_page_of_rubbish_is_damaged(path: Path, database: Database) -> None:
    overwrite(path, 2 * PAGE_BYTES, b"\xff" * PAGE_BYTES)
    check(refusal(database), path)


def test_a_file_damaged_while_it_is_open_is_damaged(path: Path, database: Database) -> None:
    assert read_all(database) == 50
    overwrite(path, PAGE_BYTES, b"\xff" * (path.stat().st_size - PAGE_BYTES))
    with database.reading() as db:
        db.execute("PRAGMA shrink_memory")  # what was read is forgotten
    check(refusal(database), path)


def test_a_text_of_rubbish_is_damage_and_is_not_shown(path: Path, database: Database) -> None:
    overwrite(path, path.read_bytes().index(b"x" * 100), b"\xff" * 100)
    with pytest.raises(MontageError) as raised:
        read_all(database)
    check(raised.value, path)
    assert "xxx" not in str(raised.value)


@pytest.mark.parametrize(("at", "data"), [(44, b"\0\0\0\x09"), (60, b"\xff\0\0\0")])  # schema format, user_version
def test_a_header_that_cannot_be_is_damage(path: Path, database: Database, at: int, data: bytes) -> None:
    overwrite(path, at, data)
    check(refusal(database), path)


def test_once_moved_away_a_new_file_is_begun(path: Path, database: Database) -> None:
    path.write_bytes(b"not a database, but as long as one" * 300)
    refusal(database)
    path.rename(path.with_suffix(".damaged"))
    assert read_all(database) == 0


def test_a_wrong_statement_is_still_a_bug(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="no such table"), database.reading() as db:
        db.execute("SELECT * FROM elsewhere")
    with pytest.raises(sqlite3.IntegrityError), database.changing() as db:
        db.execute("INSERT INTO notes (body) VALUES (NULL)")
