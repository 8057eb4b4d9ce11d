import functools
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

import pytest

from shared.adapters.gcp.clients import GoogleClients
from shared.adapters.gcp.cloud_storage import CloudStorage
from shared.adapters.gcp.ranged_reader import BLOCK_BYTES, RangedReader
from shared.domain.source_address import SourceAddress
from shared.errors import AlreadyThere, MontageError, NotFound, TryAgain
from shared.media.probe import probe
from shared.media.source import open_source
from shared.ports import GENERATION_GONE
from shared.settings import GoogleSettings
from tests.clips import ClipSpec, make_clip
from tests.contracts.object_store import Make, ObjectStoreContract, PutElsewhere
from tests.contracts.racing import race_in_threads
from tests.emulators.relay import Change, Exchange, relay

pytestmark = [pytest.mark.emulators, pytest.mark.slow]

TIMEOUT_S = 5.0
MB = 1024 * 1024
FILM = b"".join(bytes([number]) * MB for number in range(40)) + b"the end"


@functools.cache
def clients(settings: GoogleSettings) -> GoogleClients:
    """Return the process's clients: one for all threads, as in production."""
    return GoogleClients(settings)


def cloud_storage(url: str, bucket: str) -> CloudStorage:
    settings = GoogleSettings(project="montage-test", storage_emulator_host=url)
    return CloudStorage(clients(settings).storage, bucket, timeout_s=TIMEOUT_S)


@pytest.fixture
def bucket(storage_url: str) -> str:
    return new_bucket(storage_url)


def new_bucket(storage_url: str) -> str:
    name = f"bucket-{secrets.token_hex(8)}"
    settings = GoogleSettings(project="montage-test", storage_emulator_host=storage_url)
    clients(settings).storage.create_bucket(name, timeout=TIMEOUT_S)
    return name


@pytest.fixture
def store(storage_url: str, bucket: str) -> CloudStorage:
    return cloud_storage(storage_url, bucket)


class TestCloudStorage(ObjectStoreContract):
    @pytest.fixture
    def make(self, storage_url: str, bucket: str) -> Make:
        return partial(cloud_storage, storage_url, bucket)

    @pytest.fixture
    def put_elsewhere(self, storage_url: str) -> PutElsewhere:
        return partial(put_into, storage_url, new_bucket(storage_url))


def put_into(url: str, bucket: str, name: str, data: bytes) -> SourceAddress:
    cloud_storage(url, bucket).write(name, data)
    return SourceAddress(bucket=bucket, name=name)


FindMedia = Callable[[str], Path]


class Behind(Protocol):
    def __call__(self, change: Change, *, timeout_s: float = 1.0) -> CloudStorage: ...


@pytest.fixture
def behind(storage_url: str, bucket: str) -> Iterator[Behind]:
    """Return a maker of stores that reach the bucket through a relay."""
    with ExitStack() as stack:

        def make(change: Change, *, timeout_s: float = 1.0) -> CloudStorage:
            url = stack.enter_context(relay(storage_url, change))
            google = GoogleClients(GoogleSettings(project="montage-test", storage_emulator_host=url))
            stack.callback(google.storage.close)
            return CloudStorage(google.storage, bucket, timeout_s=timeout_s)

        yield make


class Once:
    """Changes the first answer of a kind, lets all others pass, and keeps what passed by."""

    def __init__(self, is_it: Callable[[Exchange], bool], change: Change, *, times: int = 1) -> None:
        self.seen: list[Exchange] = []
        self._is_it = is_it
        self._change = change
        self._left = times

    def __call__(self, exchange: Exchange) -> Exchange | None:
        self.seen.append(exchange)
        if self._left and self._is_it(exchange):
            self._left -= 1
            return self._change(exchange)
        return exchange


def is_upload(exchange: Exchange) -> bool:
    return exchange.method in ("POST", "PUT") and "/upload/" in exchange.path


def is_media(exchange: Exchange) -> bool:
    return "alt=media" in exchange.path


def lose(exchange: Exchange) -> None:
    return None


def busy(exchange: Exchange) -> Exchange:
    return replace(exchange, status=503, answer=b"busy", answer_headers={})


def is_copy(exchange: Exchange) -> bool:
    return "/rewriteTo/" in exchange.path


@pytest.mark.parametrize("change", [lose, busy])
def test_a_copy_whose_answer_was_lost_is_ours(behind: Behind, change: Change, storage_url: str) -> None:
    there = put_into(storage_url, new_bucket(storage_url), "film.mp4", b"film")
    loses = Once(is_copy, change)
    store = behind(loses)
    copied = store.copy_from(there, "a")
    assert store.stat("a") == copied
    assert [exchange.status for exchange in loses.seen if is_copy(exchange)] == [200, 412]
    with pytest.raises(AlreadyThere):
        store.copy_from(there, "a")


def test_a_copy_s_bytes_do_not_pass_through_us(behind: Behind, storage_url: str) -> None:
    there = put_into(storage_url, new_bucket(storage_url), "film.mp4", FILM)
    sees = Once(lambda exchange: False, lose)
    assert behind(sees).copy_from(there, "a").size_bytes == len(FILM)
    assert sum(len(exchange.body) + len(exchange.answer) for exchange in sees.seen) < 10_000


@pytest.mark.parametrize("change", [lose, busy])
def test_a_create_whose_answer_was_lost_is_ours(behind: Behind, change: Change) -> None:
    loses = Once(is_upload, change)
    store = behind(loses)
    written = store.write("a", b"mine", only_if_absent=True)
    assert store.stat("a") == written
    assert [exchange.status for exchange in loses.seen if is_upload(exchange)] == [200, 412]
    with pytest.raises(AlreadyThere):
        store.write("a", b"mine", only_if_absent=True)


def test_a_create_whose_answer_was_lost_does_not_claim_another_s_equal_bytes(
    behind: Behind, store: CloudStorage
) -> None:
    def lose_and_let_another_write(exchange: Exchange) -> None:
        store.delete("a")
        store.write("a", b"same")

    with pytest.raises(AlreadyThere):
        behind(Once(is_upload, lose_and_let_another_write)).write("a", b"same", only_if_absent=True)


def test_an_upload_whose_answer_was_lost_is_ours(behind: Behind, tmp_path: Path) -> None:
    path = tmp_path / "reel.mp4"
    path.write_bytes(FILM[: 2 * MB])
    store = behind(Once(is_upload, lose))
    assert store.upload(path, "a", only_if_absent=True) == store.stat("a")


@pytest.mark.parametrize("status", [404, 410, 412])
def test_a_session_that_is_over_may_have_been_ours(behind: Behind, tmp_path: Path, status: int) -> None:
    path = tmp_path / "reel.mp4"
    path.write_bytes(FILM[: 20 * MB])
    ends = Once(is_last_chunk, lambda exchange: replace(exchange, status=status, answer=b"{}"))
    store = behind(ends)
    assert store.upload(path, "a", only_if_absent=True) == store.stat("a")
    assert store.read("a") == FILM[: 20 * MB]


def test_a_session_that_was_given_up_is_begun_again_by_the_caller(
    behind: Behind, store: CloudStorage, tmp_path: Path
) -> None:
    path = tmp_path / "reel.mp4"
    path.write_bytes(FILM[: 20 * MB])

    def give_up(exchange: Exchange) -> Exchange:
        store.delete("a")
        return replace(exchange, status=410, answer=b"{}")

    with pytest.raises(TryAgain):
        behind(Once(is_last_chunk, give_up)).upload(path, "a", only_if_absent=True)


def is_last_chunk(exchange: Exchange) -> bool:
    return exchange.method == "PUT" and not exchange.headers["content-range"].endswith("/*") and exchange.status == 200


def test_a_write_whose_answer_was_lost_is_written(behind: Behind) -> None:
    store = behind(Once(is_upload, lose))
    assert store.write("a", b"bytes") == store.stat("a")
    assert store.read("a") == b"bytes"


def test_every_try_of_a_delete_names_the_generation_it_means(behind: Behind, store: CloudStorage) -> None:
    # fake-gcs-server removes whatever is there; the real one compares, so a second try spares what came in between.
    old = store.write("a", b"old")
    loses = Once(lambda exchange: exchange.method == "DELETE", lose)
    behind(loses).delete("a")
    deletes = [exchange.path for exchange in loses.seen if exchange.method == "DELETE"]
    assert len(deletes) == 2
    assert all(f"ifGenerationMatch={old.generation}&" in f"{path}&" for path in deletes)


def test_a_store_that_never_answers_is_tried_again_later(behind: Behind) -> None:
    store = behind(lambda exchange: None, timeout_s=0.1)
    calls: list[Callable[[], object]] = [
        lambda: store.read("a"),
        lambda: store.write("a", b"1"),
        lambda: store.stat("a"),
        lambda: list(store.list("")),
        lambda: store.delete("a"),
    ]
    for call in calls:
        with pytest.raises(TryAgain) as caught:
            call()
        assert caught.value.code == "cloud_unavailable"


def test_bytes_damaged_on_the_way_out_are_not_taken(behind: Behind, store: CloudStorage) -> None:
    store.write("a", b"right")
    with pytest.raises(TryAgain) as caught:
        behind(Once(is_media, lambda exchange: replace(exchange, answer=b"wrong"))).read("a")
    assert caught.value.code == "damaged"


def test_every_upload_carries_the_checksum_that_the_store_must_find(behind: Behind, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(FILM[: 9 * MB])
    sees = Once(lambda exchange: False, lose)
    store = behind(sees)
    store.write("small", b"123456789")
    store.upload(path, "large")
    uploads = [exchange for exchange in sees.seen if is_upload(exchange)]
    said = [re.findall(rb'"crc32c": ?"([^"]*)"', exchange.body) for exchange in uploads]
    found = [re.findall(rb'"crc32c": ?"([^"]*)"', exchange.answer) for exchange in uploads]
    assert said[0] == found[0] == [b"4waSgw=="]  # RFC 3720's own example
    assert said[1] == found[-1] and len(said[1]) == 1


def test_bytes_damaged_on_the_way_in_are_removed_again(behind: Behind, store: CloudStorage) -> None:
    # fake-gcs-server takes any checksum and says what it found; the real one refuses before the object appears.
    def other_checksum(exchange: Exchange) -> Exchange:
        return replace(exchange, answer=re.sub(rb'"crc32c":"[^"]*"', b'"crc32c":"AAAAAA=="', exchange.answer))

    with pytest.raises(TryAgain) as caught:
        behind(Once(is_upload, other_checksum)).write("a", b"bytes", only_if_absent=True)
    assert caught.value.code == "damaged"
    assert list(store.list("")) == []


def test_a_refusal_of_the_checksum_is_trouble_that_passes(behind: Behind) -> None:
    def refuse(exchange: Exchange) -> Exchange:
        sentence = b'{"error": {"code": 400, "message": "Provided CRC32C \\"a\\" doesn\'t match calculated CRC32C."}}'
        return replace(exchange, status=400, answer=sentence)

    with pytest.raises(TryAgain) as caught:
        behind(Once(is_upload, refuse)).write("a", b"bytes")
    assert caught.value.code == "damaged"


def test_missing_rights_are_said_at_once(behind: Behind) -> None:
    refuses = Once(lambda exchange: True, lambda exchange: replace(exchange, status=403, answer=b"{}"), times=9)
    with pytest.raises(MontageError) as caught:
        behind(refuses).read("a")
    assert caught.value.code == "not_allowed"
    assert len(refuses.seen) == 1


def test_a_large_file_goes_in_chunks_and_under_the_same_condition(behind: Behind, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(FILM)
    sees = Once(lambda exchange: False, lose)
    store = behind(sees)
    written = store.upload(path, "a/large.mp4", only_if_absent=True)
    assert written.size_bytes == len(FILM)
    uploads = [exchange for exchange in sees.seen if "/upload/" in exchange.path]
    # fake-gcs-server would heed it on a multipart upload only.
    assert "uploadType=resumable" in uploads[0].path and "ifGenerationMatch=0" in uploads[0].path
    assert [len(exchange.body) for exchange in uploads[1:]] == [16 * MB, 16 * MB, 8 * MB + 7]
    assert store.read("a/large.mp4") == FILM


def test_objects_have_the_type_of_their_ending(behind: Behind) -> None:
    sees = Once(lambda exchange: False, lose)
    store = behind(sees)
    for name in ("reel.mp4", "00001.lease.json", "source"):
        store.write(name, b"1")
        store.read(name)
    types = [exchange.answer_headers["Content-Type"] for exchange in sees.seen if is_media(exchange)]
    assert types == ["video/mp4", "application/json", "application/octet-stream"]


@pytest.fixture
def film(store: CloudStorage, tmp_path: Path) -> str:
    """Return the generation of the object "film", whose bytes are FILM."""
    path = tmp_path / "film"
    path.write_bytes(FILM)
    return store.upload(path, "film").generation


@pytest.mark.parametrize(
    ("start", "count"),
    [(0, 1), (MB - 1, 2), (3 * MB + 17, 3 * MB), (len(FILM) - 9, 100), (len(FILM), 1)],
)
def test_ranges_of_a_large_object_at_odd_offsets(store: CloudStorage, film: str, start: int, count: int) -> None:
    with store.open("film", film) as reader:
        reader.seek(start)
        assert reader.read(count) == FILM[start : start + count]
        assert reader.tell() == min(start + count, len(FILM))


def test_a_reader_counts_what_it_asked_for(store: CloudStorage, film: str) -> None:
    with store.open("film") as reader:
        assert isinstance(reader, RangedReader)
        assert (reader.requests, reader.requested_bytes) == (1, 0)
        assert reader.read() == FILM
        assert reader.requested_bytes == len(FILM)
        assert 5 < reader.requests < 30


def test_a_generation_replaced_between_two_reads_is_gone(store: CloudStorage, film: str) -> None:
    with store.open("film", film) as reader:
        assert reader.read(MB) == FILM[:MB]
        store.write("film", bytes(len(FILM)))
        with pytest.raises(NotFound) as caught:
            reader.read()
        assert caught.value.code == GENERATION_GONE


def test_an_object_removed_between_two_reads_is_gone(store: CloudStorage, film: str) -> None:
    with store.open("film") as reader:
        reader.read(MB)
        store.delete("film")
        with pytest.raises(NotFound) as caught:
            reader.read()
        assert caught.value.code == GENERATION_GONE


@pytest.mark.parametrize("answer", ["another generation", "a failed comparison", "a range that is not there"])
def test_whatever_a_store_says_of_another_generation_it_is_gone(
    behind: Behind, store: CloudStorage, film: str, answer: str
) -> None:
    def change(exchange: Exchange) -> Exchange:
        if answer == "another generation":
            return replace(exchange, answer_headers={**exchange.answer_headers, "X-Goog-Generation": "7"})
        return replace(exchange, status=412 if answer == "a failed comparison" else 416, answer=b"")

    with behind(Once(is_media, change)).open("film", film) as reader, pytest.raises(NotFound) as caught:
        reader.read(1)
    assert caught.value.code == GENERATION_GONE


def test_only_another_generation_is_called_gone(store: CloudStorage, film: str) -> None:
    store.write("film", b"new")
    for generation in (film, "12-345-678"):
        with pytest.raises(NotFound) as caught:
            store.open("film", generation)
        assert caught.value.code == GENERATION_GONE
    with pytest.raises(NotFound) as caught:
        store.open("missing", film)
    assert caught.value.code == "not_found"


def test_trouble_that_passes_is_not_noticed_by_who_reads(behind: Behind, film: str) -> None:
    lost = Once(is_media, lose)
    with behind(lost).open("film", film) as reader:
        assert reader.read(10) == FILM[:10]
        assert isinstance(reader, RangedReader)
        assert (reader.requests, reader.requested_bytes) == (3, 2 * BLOCK_BYTES)


def test_an_answer_that_breaks_off_is_asked_for_again(behind: Behind, film: str) -> None:
    def break_off(exchange: Exchange) -> Exchange:
        return replace(exchange, answer=exchange.answer[:1000], promised_bytes=len(exchange.answer))

    with behind(Once(is_media, break_off)).open("film", film) as reader:
        assert reader.read(MB + 1) == FILM[: MB + 1]


def test_a_part_that_comes_back_short_is_our_trouble(behind: Behind, film: str) -> None:
    short = Once(is_media, lambda exchange: replace(exchange, answer=exchange.answer[:-1]))
    with behind(short).open("film", film) as reader, pytest.raises(TryAgain) as caught:
        reader.read(10)
    assert caught.value.code == "short_read"


def test_a_store_that_is_busy_for_long_is_our_trouble(behind: Behind, film: str) -> None:
    with behind(Once(is_media, busy, times=1000), timeout_s=0.1).open("film", film) as reader:
        with pytest.raises(TryAgain) as caught:
            reader.read(10)
        assert caught.value.code == "cloud_unavailable"


def test_many_threads_read_over_one_client(store: CloudStorage, film: str) -> None:
    def read(number: int) -> bool:
        with store.open("film", film) as reader:
            starts = [(number * 7 + step * 5) % 40 * MB + number for step in range(10)]
            return all(reader.seek(start) == start and reader.read(99) == FILM[start : start + 99] for start in starts)

    assert all(race_in_threads(12, read))


def test_names_that_no_store_would_take_are_not_listed(store: CloudStorage, storage_url: str, bucket: str) -> None:
    settings = GoogleSettings(project="montage-test", storage_emulator_host=storage_url)
    console = clients(settings).storage.bucket(bucket)
    console.blob("folder/").upload_from_string(b"", timeout=TIMEOUT_S)
    store.write("folder/a", b"")
    assert list(store.list("")) == ["folder/a"]


def test_a_folder_cannot_be_uploaded(store: CloudStorage, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="regular"):
        store.upload(tmp_path, "a")


def test_a_film_is_probed_and_decoded_by_ranges(store: CloudStorage, tmp_path: Path) -> None:
    path = make_clip(tmp_path, ClipSpec())
    store.upload(path, "clip")
    with store.open("clip") as reader, path.open("rb") as file:
        assert probe(reader, name="clip") == probe(file, name="clip")
        assert packets(reader) == packets(file)


def packets(file: BinaryIO) -> list[bytes]:
    with open_source(file, name="clip") as container:
        return [bytes(packet) for packet in container.demux()]


def test_a_film_replaced_while_it_is_decoded_is_gone_and_not_broken(store: CloudStorage, media_file: FindMedia) -> None:
    store.upload(media_file("raw_session_mixed_720p.mp4"), "film")
    with store.open("film") as reader, pytest.raises(NotFound) as caught, open_source(reader, name="film") as container:
        for number, _ in enumerate(container.demux()):
            if number == 10:
                store.write("film", b"another film")
    assert caught.value.code == GENERATION_GONE
