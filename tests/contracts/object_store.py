"""What every ObjectStore does.

An adapter joins with a subclass that has two fixtures: `make` returns clients of one bucket, `put_elsewhere` puts an
object into another one, which is not ours.
"""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.domain.source_address import SourceAddress
from shared.errors import AlreadyThere, NotFound
from shared.ports import GENERATION_GONE, ObjectStore
from tests.contracts.racing import race_in_processes, race_in_threads

Make = Callable[[], ObjectStore]
"""Returns one more client of the test's own bucket, empty at first. It can be pickled: other processes call it, too."""

PutElsewhere = Callable[[str, bytes], SourceAddress]

DIGITS = bytes(range(256)) * 12
"""3072 bytes; the byte at offset n is n % 256."""

NO_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../outside",
    "a/../../outside",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    "a\\..\\b",
    "a\0b",
    "a\nb",
    "a\x7fb",
    "x" * 256,
    "é" * 128,
    "/".join(["x" * 100] * 11),
]


class ObjectStoreContract:
    """Claims about one bucket."""

    @pytest.fixture
    def store(self, make: Make) -> ObjectStore:
        return make()

    def test_what_was_written_is_read_by_another_client(self, make: Make) -> None:
        make().write("a/b", b"bytes")
        assert make().read("a/b") == b"bytes"

    def test_an_empty_object_is_an_object(self, store: ObjectStore) -> None:
        assert store.write("empty", b"").size_bytes == 0
        assert store.read("empty") == b""

    def test_write_says_what_stat_says(self, store: ObjectStore) -> None:
        written = store.write("a", b"12345")
        assert (written.name, written.size_bytes) == ("a", 5)
        assert store.stat("a") == written

    def test_what_montage_makes_has_the_type_of_its_ending(self, store: ObjectStore, tmp_path: Path) -> None:
        path = tmp_path / "made"
        path.write_bytes(b"1")
        assert store.write("a/report.json", b"{}").content_type == "application/json"
        assert store.upload(path, "a/reel.mp4").content_type == "video/mp4"
        assert store.stat("a/report.json").content_type == "application/json"
        assert store.stat("a/reel.mp4").content_type == "video/mp4"

    def test_a_missing_object_is_not_found(self, store: ObjectStore) -> None:
        store.write("a/b", b"")
        for name in ("missing", "a", "a/b/c"):
            with pytest.raises(NotFound):
                store.read(name)
            with pytest.raises(NotFound):
                store.stat(name)
            with pytest.raises(NotFound):
                store.open(name)

    def test_each_write_of_the_same_bytes_is_another_generation(self, store: ObjectStore) -> None:
        generations = [store.write("a", b"same").generation for _ in range(20)]
        assert len(set(generations)) == 20

    def test_an_open_reader_keeps_its_bytes_when_the_object_is_replaced(self, store: ObjectStore) -> None:
        old = store.write("a", DIGITS)
        with store.open("a", old.generation) as reader:
            first = reader.read(10)
            store.write("a", bytes(len(DIGITS)))
            assert first + reader.read() == DIGITS

    def test_a_generation_that_was_replaced_cannot_be_opened(self, store: ObjectStore) -> None:
        old = store.write("a", b"old!")
        new = store.write("a", b"new!")
        with pytest.raises(NotFound) as caught:
            store.open("a", old.generation)
        assert caught.value.code == GENERATION_GONE
        with store.open("a", new.generation) as reader:
            assert reader.read() == b"new!"

    def test_a_reader_of_a_replaced_object_gives_its_bytes_or_says_so_but_no_mixture(self, store: ObjectStore) -> None:
        data = DIGITS * 1024  # 3 MiB: more than a reader keeps of what it was not asked for
        store.write("a", data)
        with store.open("a") as reader:
            first = reader.read(10)
            store.write("a", bytes(len(data)))
            try:
                assert first + reader.read() == data
            except NotFound as error:
                assert error.code == GENERATION_GONE

    @pytest.mark.parametrize(("start", "count"), [(0, 1), (1, 2), (255, 2), (1023, 1025), (3071, 1), (3000, 500)])
    def test_any_range_can_be_read(self, store: ObjectStore, start: int, count: int) -> None:
        store.write("a", DIGITS)
        with store.open("a") as reader:
            assert reader.seek(start) == start
            assert reader.read(count) == DIGITS[start : start + count]

    def test_reading_past_the_end_gives_nothing(self, store: ObjectStore) -> None:
        store.write("a", DIGITS)
        with store.open("a") as reader:
            reader.seek(5000)
            assert reader.read(10) == b""
            reader.seek(-2, 2)
            assert reader.read(10) == DIGITS[-2:]
            reader.seek(0)
            assert reader.read(1) == b"\0"

    def test_create_only_refuses_a_taken_name_and_keeps_what_is_there(self, store: ObjectStore, tmp_path: Path) -> None:
        store.write("a", b"first", only_if_absent=True)
        other = tmp_path / "other"
        other.write_bytes(b"second")
        with pytest.raises(AlreadyThere):
            store.write("a", b"second", only_if_absent=True)
        with pytest.raises(AlreadyThere):
            store.upload(other, "a", only_if_absent=True)
        assert store.read("a") == b"first"

    def test_one_of_32_threads_creates_each_name(self, make: Make) -> None:
        names = [f"folder-{number}/a" for number in range(10)]
        answers = race_in_threads(32, lambda number: create_each(make, names, b"%d" % number))
        assert_one_winner_each(make(), names, answers)

    def test_one_of_several_processes_creates_each_name(self, make: Make) -> None:
        names = [f"folder-{number}/a" for number in range(50)]
        answers = race_in_processes(create_each, [(make, names, b"%d" % number) for number in range(3)])
        assert_one_winner_each(make(), names, answers)

    def test_readers_never_see_a_mixture(self, make: Make) -> None:
        make().write("a", b"0" * 100_000)

        def act(number: int) -> None:
            for _ in range(20):
                if number < 2:
                    make().write("a", b"%d" % number * 100_000)
                else:
                    data = make().read("a")
                    assert len(data) == 100_000 and len(set(data)) == 1

        race_in_threads(6, act)

    def test_upload_stores_the_file_s_bytes(self, store: ObjectStore, tmp_path: Path) -> None:
        path = tmp_path / "clip of mine.mov"
        path.write_bytes(DIGITS)
        stat = store.upload(path, "a")
        assert stat == store.stat("a")
        assert stat.size_bytes == len(DIGITS)
        with store.open("a", stat.generation) as reader:
            assert reader.read() == DIGITS

    def test_uploading_a_missing_file_is_not_found(self, store: ObjectStore, tmp_path: Path) -> None:
        with pytest.raises(NotFound):
            store.upload(tmp_path / "missing", "a")
        assert list(store.list("")) == []

    def test_list_gives_the_names_with_the_prefix_in_order(self, store: ObjectStore) -> None:
        names = ["a/b", "a-b", "a/b-c", "a/d/e", "b", "aa/1"]
        for name in names:
            store.write(name, b"")
        assert list(store.list("")) == sorted(names)
        assert list(store.list("a")) == ["a-b", "a/b", "a/b-c", "a/d/e", "aa/1"]
        assert list(store.list("a/b")) == ["a/b", "a/b-c"]
        assert list(store.list("a/")) == ["a/b", "a/b-c", "a/d/e"]
        assert list(store.list("c")) == list(store.list("a/b/")) == []

    def test_delete_removes_one_object_and_no_other(self, store: ObjectStore) -> None:
        store.write("a/b", b"")
        store.write("a/c", b"")
        store.delete("a/b")
        assert list(store.list("")) == ["a/c"]

    def test_deleting_what_is_not_there_is_no_error(self, store: ObjectStore) -> None:
        store.write("a/b", b"")
        for name in ("missing", "a", "a/b/c", "missing/b"):
            store.delete(name)
        assert list(store.list("")) == ["a/b"]

    def test_a_deleted_name_is_free_again(self, store: ObjectStore) -> None:
        store.write("a", b"1")
        store.delete("a")
        store.write("a", b"2", only_if_absent=True)
        assert store.read("a") == b"2"

    def test_a_copy_from_another_bucket_is_an_object(self, store: ObjectStore, put_elsewhere: PutElsewhere) -> None:
        there = put_elsewhere("ride/part 1.mp4", DIGITS)
        assert store.stat_elsewhere(there).size_bytes == len(DIGITS)
        copied = store.copy_from(there, "uploads/a/source")
        assert (copied.name, copied.size_bytes) == ("uploads/a/source", len(DIGITS))
        assert store.stat("uploads/a/source") == copied
        with store.open("uploads/a/source", copied.generation) as reader:
            assert reader.read() == DIGITS

    def test_a_copy_takes_no_name_that_is_taken(self, store: ObjectStore, put_elsewhere: PutElsewhere) -> None:
        there = put_elsewhere("film.mp4", b"second")
        store.write("a", b"first")
        with pytest.raises(AlreadyThere):
            store.copy_from(there, "a")
        assert store.read("a") == b"first"

    def test_one_of_many_copies_of_the_same_makes_the_object(self, make: Make, put_elsewhere: PutElsewhere) -> None:
        there = put_elsewhere("film.mp4", DIGITS)
        answers = race_in_threads(8, lambda _: copied(make(), there, "a"))
        assert sum(answers) == 1
        assert make().read("a") == DIGITS

    def test_what_is_not_elsewhere_is_not_found(self, store: ObjectStore, put_elsewhere: PutElsewhere) -> None:
        there = put_elsewhere("film.mp4", b"1")
        for missing in (
            SourceAddress(bucket=there.bucket, name="other.mp4"),
            SourceAddress(bucket="none-such", name="a"),
        ):
            with pytest.raises(NotFound):
                store.stat_elsewhere(missing)
            with pytest.raises(NotFound):
                store.copy_from(missing, "a")
        assert list(store.list("")) == []

    @pytest.mark.parametrize("name", NO_NAMES)
    def test_a_name_that_leaves_the_store_is_refused(
        self, store: ObjectStore, put_elsewhere: PutElsewhere, name: str, tmp_path: Path
    ) -> None:
        there = put_elsewhere("film.mp4", b"1")
        path = tmp_path / "file"
        path.write_bytes(b"")
        calls: list[Callable[[], object]] = [
            lambda: store.open(name),
            lambda: store.read(name),
            lambda: store.write(name, b""),
            lambda: store.write(name, b"", only_if_absent=True),
            lambda: store.upload(path, name),
            lambda: store.stat(name),
            lambda: store.delete(name),
            lambda: store.stat_elsewhere(SourceAddress(bucket=there.bucket, name=name)),
            lambda: store.copy_from(SourceAddress(bucket=there.bucket, name=name), "a"),
            lambda: store.copy_from(there, name),
        ]
        for call in calls:
            with pytest.raises(ValueError, match="name"):
                call()
        assert list(store.list("")) == []

    @pytest.mark.parametrize("prefix", ["/", "../", "a/../", "/etc/", "a//b"])
    def test_a_prefix_that_leaves_the_store_is_refused(self, store: ObjectStore, prefix: str) -> None:
        with pytest.raises(ValueError, match="name"):
            list(store.list(prefix))

    def test_the_longest_names_work(self, store: ObjectStore) -> None:
        for name in ("x" * 255, "é" * 127, "/".join("x" * 200 for _ in range(5))):
            store.write(name, b"1")
            assert store.read(name) == b"1"

    def test_names_that_only_look_odd_work(self, store: ObjectStore) -> None:
        names = sorted([".hidden", "..a", "a b", "a'\"$*?", "...", "名前", "-rf"])
        for name in names:
            store.write(name, name.encode())
        assert list(store.list("")) == names
        assert [store.read(name).decode() for name in names] == names
        assert list(itertools.islice(store.list(".."), 1)) == ["..."]


def copied(store: ObjectStore, there: SourceAddress, name: str) -> bool:
    """Return whether it was us who made the object."""
    try:
        store.copy_from(there, name)
    except AlreadyThere:
        return False
    return True


def create(make: Make, name: str, data: bytes) -> bool:
    """Return whether it was us who created the object."""
    try:
        make().write(name, data, only_if_absent=True)
    except AlreadyThere:
        return False
    return True


def create_each(make: Make, names: list[str], data: bytes) -> list[bool]:
    return [create(make, name, data) for name in names]


def assert_one_winner_each(store: ObjectStore, names: list[str], answers: list[list[bool]]) -> None:
    """`answers` tells of each racer which names it created; its bytes are its number."""
    for position, name in enumerate(names):
        winners = [number for number, created in enumerate(answers) if created[position]]
        assert len(winners) == 1
        assert store.read(name) == b"%d" % winners[0]
