import os
import time
from functools import partial
from pathlib import Path

import pytest

from shared.adapters.local.folder_store import STALE_NEW_FILE_S, FolderStore
from shared.adapters.local.upload_sessions import LIFE_S
from shared.domain.messages import ObjectFinalized
from shared.domain.source_address import SourceAddress
from shared.errors import AlreadyThere, NotFound, TryAgain
from shared.ports import ObjectStore
from tests.contracts.object_store import Make, ObjectStoreContract, PutElsewhere
from tests.contracts.racing import race_in_processes, race_in_threads


class FolderStoreContract(ObjectStoreContract):
    @pytest.fixture
    def put_elsewhere(self, tmp_path: Path) -> PutElsewhere:
        return partial(put_into, tmp_path / "elsewhere", "footage")


def put_into(folder: Path, bucket: str, name: str, data: bytes) -> SourceAddress:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)
    return SourceAddress(bucket=bucket, name=name)


class TestFolderStore(FolderStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        elsewhere = {"footage": tmp_path / "elsewhere"}
        return partial(FolderStore, tmp_path / "bucket", bucket="work", elsewhere=elsewhere)


class TestFolderStoreWithReferences(FolderStoreContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Make:
        elsewhere = {"footage": tmp_path / "elsewhere"}
        return partial(FolderStore, tmp_path / "bucket", bucket="uploads", keeps_references=True, elsewhere=elsewhere)


def test_a_link_that_leads_out_of_another_bucket_s_folder_is_not_found(tmp_path: Path, clip: Path) -> None:
    there = put_into(tmp_path / "elsewhere", "footage", "inside.mov", b"1")
    (tmp_path / "elsewhere" / "link.mov").symlink_to(clip)
    store = FolderStore(tmp_path / "bucket", bucket="uploads", elsewhere={"footage": tmp_path / "elsewhere"})
    assert store.stat_elsewhere(there).size_bytes == 1
    with pytest.raises(NotFound):
        store.copy_from(SourceAddress(bucket="footage", name="link.mov"), "a")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path / "bucket", bucket="work")


@pytest.fixture
def uploads(tmp_path: Path) -> ObjectStore:
    return FolderStore(tmp_path / "bucket", bucket="uploads", keeps_references=True)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mov"
    path.write_bytes(b"picture and sound")
    return path


def test_a_link_elsewhere_that_leads_to_itself_is_no_object(tmp_path: Path) -> None:
    put_into(tmp_path / "elsewhere", "footage", "inside.mov", b"1")
    (tmp_path / "elsewhere" / "round.mov").symlink_to(tmp_path / "elsewhere" / "round.mov")
    store = FolderStore(tmp_path / "bucket", bucket="uploads", elsewhere={"footage": tmp_path / "elsewhere"})
    with pytest.raises(NotFound):
        store.stat_elsewhere(SourceAddress(bucket="footage", name="round.mov"))


def test_a_link_planted_inside_is_not_followed(store: ObjectStore, tmp_path: Path, clip: Path) -> None:
    store.write("a/b", b"inside")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (tmp_path / "bucket" / "file").symlink_to(clip)
    (tmp_path / "bucket" / "folder").symlink_to(outside)
    (tmp_path / "bucket" / "inner").symlink_to(tmp_path / "bucket" / "a")
    for name in ("file", "folder/secret", "inner/b"):
        with pytest.raises(NotFound):
            store.read(name)
        store.delete(name)
    assert list(store.list("")) == ["a/b"]
    assert list(store.list("folder/")) == []
    with pytest.raises(ValueError, match="no folder"):
        store.write("folder/new", b"")
    assert sorted(path.name for path in outside.iterdir()) == ["secret"]
    assert clip.read_bytes() == b"picture and sound"


def test_writing_over_a_planted_link_replaces_the_link(store: ObjectStore, tmp_path: Path, clip: Path) -> None:
    (tmp_path / "bucket").mkdir()
    (tmp_path / "bucket" / "a").symlink_to(clip)
    with pytest.raises(AlreadyThere):
        store.write("a", b"new", only_if_absent=True)
    store.write("a", b"new")
    assert store.read("a") == b"new"
    assert clip.read_bytes() == b"picture and sound"


def test_a_pipe_planted_inside_does_not_hang_us(store: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "bucket").mkdir()
    os.mkfifo(tmp_path / "bucket" / "a")
    with pytest.raises(NotFound):
        store.open("a")


def test_the_store_s_own_folder_is_no_name(store: ObjectStore) -> None:
    for name in (".store/new/x", ".store", ".STORE/references/a"):
        with pytest.raises(ValueError, match="own folder"):
            store.write(name, b"")


def test_an_object_cannot_be_a_folder_as_well(store: ObjectStore) -> None:
    store.write("a", b"")
    store.write("b/c", b"")
    for name in ("a/b", "b"):
        for only_if_absent in (False, True):
            with pytest.raises(ValueError, match="folder"):
                store.write(name, b"", only_if_absent=only_if_absent)
    assert list(store.list("")) == ["a", "b/c"]


def test_no_unfinished_file_is_left_behind(store: ObjectStore, tmp_path: Path) -> None:
    store.write("a", b"")
    with pytest.raises(AlreadyThere):
        store.write("a", b"", only_if_absent=True)
    store.write("a", b"")
    assert list((tmp_path / "bucket" / ".store" / "new").iterdir()) == []


def test_what_a_killed_process_left_is_removed_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "bucket" / ".store" / "new"
    folder.mkdir(parents=True)
    (folder / "old").write_bytes(b"")
    (folder / "young").write_bytes(b"")
    old_s = (folder / "old").stat().st_mtime - STALE_NEW_FILE_S - 60
    os.utime(folder / "old", (old_s, old_s))
    FolderStore(tmp_path / "bucket", bucket="work").write("a", b"")
    assert [path.name for path in folder.iterdir()] == ["young"]


def test_disk_trouble_is_worth_another_try(tmp_path: Path) -> None:
    (tmp_path / "bucket").write_bytes(b"not a folder")
    with pytest.raises(TryAgain, match="disk is in trouble"):
        FolderStore(tmp_path / "bucket", bucket="work").write("a", b"")


def test_writes_and_uploads_are_announced_once_complete(tmp_path: Path, clip: Path) -> None:
    heard: list[tuple[ObjectFinalized, int]] = []
    reader = FolderStore(tmp_path / "bucket", bucket="uploads", keeps_references=True)
    store = FolderStore(
        tmp_path / "bucket",
        bucket="uploads",
        keeps_references=True,
        announce=lambda event: heard.append((event, len(reader.read(event.name)))),
    )
    written = store.write("a", b"123")
    uploaded = store.upload(clip, "b")
    with pytest.raises(AlreadyThere):
        store.upload(clip, "b", only_if_absent=True)
    assert heard == [
        (ObjectFinalized(bucket="uploads", name="a", generation=written.generation, size_bytes=3), 3),
        (ObjectFinalized(bucket="uploads", name="b", generation=uploaded.generation, size_bytes=17), 17),
    ]


def test_a_reference_takes_no_space_and_no_copy(uploads: ObjectStore, clip: Path, tmp_path: Path) -> None:
    os.truncate(clip, 10**12)  # a terabyte of nothing
    stat = uploads.upload(clip, "a/source")
    info = clip.stat()
    assert (stat.size_bytes, stat.generation) == (10**12, f"{info.st_size}-{info.st_mtime_ns}")
    assert sum(path.stat().st_size for path in (tmp_path / "bucket").rglob("*") if path.is_file()) < 1000
    assert list(uploads.list("a/")) == ["a/source"]


def test_a_changed_source_is_another_generation(uploads: ObjectStore, clip: Path) -> None:
    old = uploads.upload(clip, "a")
    clip.write_bytes(b"something else!!!")
    with pytest.raises(NotFound, match="the source changed"):
        uploads.open("a", old.generation)
    assert uploads.stat("a").generation != old.generation
    assert uploads.read("a") == b"something else!!!"


def test_a_source_changed_under_a_reader_gives_no_mixture(uploads: ObjectStore, clip: Path) -> None:
    clip.write_bytes(bytes(5_000_000))
    with uploads.open("a", uploads.upload(clip, "a").generation) as reader:
        assert reader.read(10) == bytes(10)
        with clip.open("r+b") as writer:
            writer.seek(4_000_000)
            writer.write(b"other")
        with pytest.raises(NotFound, match="changed while it was read"):
            reader.read()


def test_a_source_that_is_replaced_by_renaming_keeps_its_open_readers(uploads: ObjectStore, clip: Path) -> None:
    with uploads.open("a", uploads.upload(clip, "a").generation) as reader:
        other = clip.with_name("other")
        other.write_bytes(b"another film")
        other.replace(clip)
        assert reader.read() == b"picture and sound"


def test_a_vanished_source_is_not_found(uploads: ObjectStore, clip: Path) -> None:
    uploads.upload(clip, "a")
    clip.unlink()
    for call in (uploads.open, uploads.read, uploads.stat):
        with pytest.raises(NotFound, match=r"clip\.mov"):
            call("a")
    clip.mkdir()
    with pytest.raises(NotFound, match="no longer a regular file"):
        uploads.stat("a")
    assert list(uploads.list("")) == ["a"]


def test_a_relative_path_and_a_link_are_resolved(
    uploads: ObjectStore, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("link").symlink_to(clip)
    uploads.upload(Path("link"), "a")
    Path("link").unlink()
    monkeypatch.chdir("/")
    assert uploads.read("a") == b"picture and sound"


def test_a_source_with_an_undecodable_name_works(uploads: ObjectStore, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mov"))
    path.write_bytes(b"1")
    uploads.upload(path, "a")
    assert uploads.read("a") == b"1"


def test_only_regular_files_can_be_uploaded(uploads: ObjectStore, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(ValueError, match="regular file"):
            uploads.upload(path, "a")


def test_writing_cannot_make_a_reference(uploads: ObjectStore, clip: Path) -> None:
    uploads.upload(clip, "a")
    text = next(Path(str(clip.parent), "bucket", ".store", "references").rglob("a")).read_bytes()
    uploads.write("b", text)
    assert uploads.read("b") == text


def test_bytes_and_references_replace_each_other(uploads: ObjectStore, clip: Path) -> None:
    uploads.write("a", b"bytes")
    uploads.upload(clip, "a")
    assert uploads.read("a") == b"picture and sound"
    uploads.write("a", b"bytes again")
    assert uploads.read("a") == b"bytes again"
    uploads.delete("a")
    with pytest.raises(NotFound):
        uploads.stat("a")


def test_deleting_a_reference_leaves_the_source_alone(uploads: ObjectStore, clip: Path) -> None:
    uploads.upload(clip, "a")
    uploads.delete("a")
    assert list(uploads.list("")) == []
    assert clip.read_bytes() == b"picture and sound"


def test_one_of_many_wins_whether_it_writes_or_refers(tmp_path: Path, clip: Path) -> None:
    names = [str(number) for number in range(30)]

    def create(number: int, name: str) -> bool:
        store = FolderStore(tmp_path / "bucket", bucket="uploads", keeps_references=True)
        try:
            if number % 2:
                store.write(name, b"bytes", only_if_absent=True)
            else:
                store.upload(clip, name, only_if_absent=True)
        except AlreadyThere:
            return False
        return True

    answers = race_in_threads(8, lambda number: [create(number, name) for name in names])
    for created in zip(*answers, strict=True):
        assert created.count(True) == 1


def test_an_object_is_always_there_while_bytes_and_references_replace_each_other(
    uploads: ObjectStore, clip: Path, tmp_path: Path
) -> None:
    uploads.write("a", b"picture and sound")
    race_in_processes(swap_or_read, [(tmp_path / "bucket", role) for role in (clip, None, None)])


def swap_or_read(root: Path, clip: Path | None) -> None:
    store = FolderStore(root, bucket="uploads", keeps_references=True)
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        if clip is None:
            assert store.read("a") == b"picture and sound"
        else:
            store.upload(clip, "a")
            store.write("a", b"picture and sound")


def finished(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "bucket" / ".store" / "finished"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def types_kept(tmp_path: Path) -> int:
    return sum(path.is_file() for path in (tmp_path / "bucket" / ".store" / "types").rglob("*"))


def test_an_adopted_file_is_an_object_without_a_copy(tmp_path: Path) -> None:
    heard: list[ObjectFinalized] = []
    store = FolderStore(tmp_path / "bucket", bucket="uploads", keeps_references=True, announce=heard.append)
    path = finished(tmp_path, b"film")
    stat = store.adopt(path, "a/source", content_type="video/quicktime")
    assert (stat.size_bytes, stat.content_type) == (4, "video/quicktime")
    assert store.stat("a/source") == stat
    assert (tmp_path / "bucket" / "a" / "source").samefile(path)
    assert store.adopt(path, "a/source", content_type="video/quicktime") == stat, "once more is the same"
    assert [event.generation for event in heard] == [stat.generation] * 2
    path.unlink()
    assert store.read("a/source") == b"film"


@pytest.mark.parametrize("is_reference", [False, True])
def test_a_taken_name_adopts_nothing(tmp_path: Path, uploads: ObjectStore, clip: Path, is_reference: bool) -> None:
    assert isinstance(uploads, FolderStore)
    stat = uploads.upload(clip, "a") if is_reference else uploads.write("a", b"first")
    with pytest.raises(AlreadyThere):
        uploads.adopt(finished(tmp_path, b"second"), "a", content_type="video/mp4")
    assert uploads.stat("a") == stat
    assert types_kept(tmp_path) == 0


def test_a_media_type_goes_with_its_object(tmp_path: Path, uploads: ObjectStore) -> None:
    assert isinstance(uploads, FolderStore)
    uploads.adopt(finished(tmp_path, b"1"), "a", content_type="video/mp4")
    uploads.write("a", b"2")
    assert uploads.stat("a").content_type is None
    uploads.delete("a")
    assert types_kept(tmp_path) == 0
    with pytest.raises(NotFound) as caught:
        uploads.adopt(tmp_path / "gone", "a", content_type="video/mp4")
    assert caught.value.code == "unknown_upload"


def test_open_uploads_of_a_deleted_object_leave_nothing(tmp_path: Path, uploads: ObjectStore) -> None:
    assert isinstance(uploads, FolderStore)
    kept, gone = (
        uploads.sessions.begin(name, content_type="video/mp4", max_bytes=9) for name in ("uploads/a", "uploads/b")
    )
    uploads.delete("uploads/b")
    assert uploads.sessions.find("uploads/a", kept)[1] == 0
    with pytest.raises(NotFound):
        uploads.sessions.find("uploads/b", gone)
    assert len(list((tmp_path / "bucket" / ".store" / "uploads").iterdir())) == 1
    assert list(uploads.list("")) == []


def test_uploads_that_nobody_ended_are_swept_when_others_begin(tmp_path: Path) -> None:
    now = [1_000_000.0]
    store = FolderStore(tmp_path / "bucket", bucket="uploads", clock=lambda: now[0])
    store.sessions.begin("old", content_type="video/mp4", max_bytes=9)
    now[0] += LIFE_S + 1
    store.sessions.begin("young", content_type="video/mp4", max_bytes=9)
    assert len(list((tmp_path / "bucket" / ".store" / "uploads").rglob("data"))) == 1
