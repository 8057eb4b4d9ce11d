"""Uploads to one machine when connections break, servers restart, disks fill and senders dawdle or lie."""

import errno
import json
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from shared.adapters.local.folder_store import FolderStore
from shared.adapters.local.upload_sessions import LIFE_S
from shared.domain.messages import ObjectFinalized, parse
from shared.errors import TryAgain
from tests.contracts.url_signer import BODY, DONE, QUANTUM, Shop
from tests.functions.local.test_object_routes import shop_of
from tests.object_server import ObjectServer, object_server

SLOW_SENDERS = 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    with object_server(tmp_path_factory.mktemp("objects")) as running:
        yield running


@pytest.fixture
def shop(server: ObjectServer) -> Shop:
    return shop_of(server)


def folder_store(shop: Shop) -> FolderStore:
    assert isinstance(shop.store, FolderStore)
    return shop.store


def opened(url: str, body: bytes, content_range: str | None = None, *, announced: int | None = None) -> socket.socket:
    """Return a connection that has sent a PUT with some of its body."""
    address = urlsplit(url)
    assert address.hostname and address.port
    length = len(BODY) if announced is None else announced
    said = f"Content-Range: {content_range}\r\n" if content_range else ""
    connection = socket.create_connection((address.hostname, address.port), timeout=10)
    head = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n{said}"
    connection.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + body)
    return connection


def received_bytes(shop: Shop, session: str) -> int:
    said = shop.received(session)
    return 0 if said is None else int(said.removeprefix("bytes=0-")) + 1


def wait_until_received(shop: Shop, session: str, at_least: int) -> int:
    """Return how much has arrived, once it is so much. Raises AssertionError after 5 s."""
    until = time.monotonic() + 5
    while (found := received_bytes(shop, session)) < at_least:
        assert time.monotonic() < until, found
        time.sleep(0.01)
    return found


def code_of(answer: httpx.Response) -> str:
    return str(answer.json()["code"])


def test_an_upload_survives_three_broken_connections(shop: Shop) -> None:
    session = shop.begun()
    stored = 0
    for quanta in (0, 1, 2):
        content_range = f"bytes {stored}-{len(BODY) - 1}/{len(BODY)}"
        broken = opened(
            session,
            BODY[stored : stored + QUANTUM * min(quanta, 1) + 12_345],
            content_range,
            announced=len(BODY) - stored,
        )
        broken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset, as when a cable is cut
        wait_until_received(shop, session, stored + QUANTUM * min(quanta, 1))
        broken.close()
        stored = received_bytes(shop, session)
        assert stored == QUANTUM * quanta
    assert shop.part(session, stored, len(BODY)).status_code in DONE
    assert shop.store.read(shop.name) == BODY


def test_an_upload_goes_on_after_the_server_was_started_anew(tmp_path: Path) -> None:
    with object_server(tmp_path) as before:
        shop = shop_of(before)
        session = shop.begun()
        shop.part(session, 0, 2 * QUANTUM)
    with object_server(tmp_path) as after:
        shop.http, shop.store = after.http, after.cloud.uploads
        session = session.replace(f":{before.port}/", f":{after.port}/")
        assert shop.received(session) == f"bytes=0-{2 * QUANTUM - 1}"
        assert shop.part(session, 2 * QUANTUM, len(BODY)).status_code in DONE
        assert shop.store.read(shop.name) == BODY


def test_a_whole_upload_that_breaks_off_leaves_nothing(shop: Shop, server: ObjectServer) -> None:
    upload = shop.ask(resumable=False)
    address = urlsplit(upload.url)
    head = "".join(f"{key}: {value}\r\n" for key, value in upload.headers.items())
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        request = f"PUT {address.path}?{address.query} HTTP/1.1\r\nHost: {address.netloc}\r\n{head}"
        connection.sendall(f"{request}Content-Length: {len(BODY)}\r\n\r\n".encode() + BODY[: 2 * QUANTUM])
    assert not shop.is_there()
    assert shop.send(shop.ask(resumable=False), BODY).status_code == 200


def test_whoever_comes_later_goes_on_and_the_earlier_request_ends(shop: Shop) -> None:
    session = shop.begun()
    everything = f"bytes 0-{len(BODY) - 1}/{len(BODY)}"
    with opened(session, BODY[: QUANTUM + 5], everything) as stalled:
        wait_until_received(shop, session, QUANTUM)
        assert shop.part(session, QUANTUM, len(BODY)).status_code in DONE
        assert b" 409 " in stalled.recv(200)
    assert shop.store.read(shop.name) == BODY


def test_many_requests_at_once_cannot_damage_an_upload(shop: Shop) -> None:
    session = shop.begun()
    answers: list[int] = []

    def send() -> None:
        with opened(session, BODY, f"bytes 0-{len(BODY) - 1}/{len(BODY)}") as connection:
            answers.append(int(connection.recv(200).split()[1]))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 409} and 200 in answers
    assert shop.store.read(shop.name) == BODY


def test_an_upload_held_by_another_process_is_busy(shop: Shop) -> None:
    session = shop.begun()
    with folder_store(shop).sessions.writing(shop.name, session.partition("=")[2]):
        answer = shop.part(session, 0, len(BODY))
    assert (answer.status_code, code_of(answer)) == (409, "upload_busy")
    assert shop.part(session, 0, len(BODY)).status_code in DONE


def test_a_sender_that_stops_is_ended_and_what_it_brought_is_kept(tmp_path: Path) -> None:
    with object_server(tmp_path, idle_s=0.2) as server:
        shop = shop_of(server)
        session = shop.begun()
        with opened(session, BODY[: QUANTUM + 7], f"bytes 0-{len(BODY) - 1}/{len(BODY)}") as connection:
            answer = connection.recv(2000)
            assert b" 408 " in answer and b"too_slow" in answer + connection.recv(2000)
        assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"


def test_hundreds_of_slow_senders_take_little_memory_and_no_threads(shop: Shop, server: ObjectServer) -> None:
    sessions = folder_store(shop).sessions
    names = [f"{shop.name}/{number}" for number in range(SLOW_SENDERS)]
    urls = [
        f"{server.settings.public_url}/objects/uploads/{name}?upload_id="
        + sessions.begin(name, content_type="video/mp4", max_bytes=len(BODY))
        for name in names
    ]
    process = psutil.Process()
    threads, before_bytes = process.num_threads(), process.memory_info().rss
    connections = [opened(url, BODY[:100_000]) for url in urls]
    try:
        assert shop.send(shop.ask(resumable=False), BODY).status_code == 200, "others are served meanwhile"
        assert process.num_threads() - threads <= 40, "the pool of the event loop, however many send"
        assert process.memory_info().rss - before_bytes < SLOW_SENDERS * 512 * 1024
    finally:
        for connection in connections:
            connection.close()
        for name in names:
            sessions.forget(name)


def test_a_disk_without_room_takes_no_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with object_server(tmp_path, disk_reserve_bytes=1) as server:
        shop = shop_of(server)
        asked = {resumable: shop.ask(resumable=resumable) for resumable in (True, False)}
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))  # full since then
        for resumable, upload in asked.items():
            answer = shop.send(upload, b"" if resumable else BODY)
            assert (answer.status_code, code_of(answer)) == (507, "disk_full")
            assert answer.headers["content-type"] == "application/problem+json"
        with pytest.raises(TryAgain, match="The disk is too full"):
            shop.ask(resumable=True)


def test_room_is_asked_for_all_that_is_said_to_come(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = shop.ask(resumable=True)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * QUANTUM))
    answer = shop.send(upload, x_upload_content_length=str(len(BODY)))
    assert (answer.status_code, code_of(answer)) == (507, "disk_full")
    session = str(shop.send(upload).headers["Location"])
    assert shop.part(session, 0, QUANTUM, total="*").status_code == 308
    assert shop.part(session, QUANTUM, len(BODY), BODY * 2).status_code == 507
    assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"


def test_an_upload_goes_on_once_a_full_disk_has_room_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    session = shop.begun()
    write = os.pwrite

    def full(fd: int, data: bytes, at: int) -> int:
        if at >= QUANTUM:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(fd, data[: QUANTUM - at], at)

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        answer = shop.part(session, 0, len(BODY))
        assert (answer.status_code, code_of(answer)) == (507, "disk_full")
    stored = received_bytes(shop, session)
    assert stored <= QUANTUM
    assert shop.part(session, stored, len(BODY)).status_code in DONE
    assert shop.store.read(shop.name) == BODY


@pytest.mark.parametrize("said", ["1000", str(2 * len(BODY))])
def test_an_upload_is_as_large_as_it_was_said_to_be_at_its_beginning(shop: Shop, said: str) -> None:
    session = str(shop.send(shop.ask(resumable=True), x_upload_content_length=said).headers["Location"])
    assert shop.part(session, 0, len(BODY)).status_code == 400
    assert shop.http.put(session, content=BODY).status_code == 400
    assert not shop.is_there()


@pytest.mark.parametrize(("said", "status"), [("9" * 17, 413), ("many", 400), ("-1", 400)])
def test_an_upload_that_is_said_to_be_too_large_or_nonsense_does_not_begin(shop: Shop, said: str, status: int) -> None:
    assert shop.send(shop.ask(resumable=True), x_upload_content_length=said).status_code == status


def test_a_body_without_a_length_that_grows_too_large_is_refused_for_good(shop: Shop) -> None:
    session = shop.begun()
    answer = shop.http.put(session, content=iter([BODY] * 3))
    assert (answer.status_code, code_of(answer)) == (413, "too_large")
    assert shop.part(session, 0, len(BODY)).status_code == 413
    assert not shop.is_there()


def test_a_body_longer_than_its_range_leaves_nothing(shop: Shop) -> None:
    session = shop.begun()
    headers = {"Content-Range": f"bytes 0-{QUANTUM - 1}/{len(BODY)}"}
    assert shop.http.put(session, content=iter([BODY]), headers=headers).status_code == 400
    assert shop.received(session) is None


def test_an_empty_object_can_be_uploaded(shop: Shop) -> None:
    assert shop.question(shop.begun(), "0").status_code in DONE
    assert shop.store.stat(shop.name).size_bytes == 0


def test_a_completed_upload_is_told_to_the_bus(shop: Shop, server: ObjectServer) -> None:
    shop.part(shop.begun(), 0, len(BODY))
    told = []
    while (delivery := server.cloud.deliveries.take()) is not None:
        told.append(parse(delivery.body))
        server.cloud.deliveries.acknowledge(delivery)
    generation = shop.store.stat(shop.name).generation
    wanted = ObjectFinalized(bucket="uploads", name=shop.name, generation=generation, size_bytes=len(BODY))
    assert told.count(wanted) == 1


def test_a_server_killed_while_it_completes_an_upload_completes_it_again(shop: Shop, tmp_path: Path) -> None:
    session = shop.begun()
    store = folder_store(shop)
    with store.sessions.writing(shop.name, session.partition("=")[2]) as writer:
        writer.expect(f"bytes 0-{len(BODY) - 1}/{len(BODY)}", len(BODY))
        writer.write(BODY)
    before = store.adopt(writer.path / "data", shop.name, content_type="video/mp4")  # and killed before it is noted
    assert shop.question(session).status_code in DONE
    assert store.stat(shop.name) == before


def test_an_erased_object_s_uploads_are_unknown(shop: Shop) -> None:
    session = shop.begun()
    with opened(session, BODY[: QUANTUM + 5], f"bytes 0-{len(BODY) - 1}/{len(BODY)}") as sending:
        wait_until_received(shop, session, QUANTUM)
        shop.store.delete(shop.name)
        sending.sendall(BODY[QUANTUM + 5 :])
        assert b" 404 " in sending.recv(200)
    assert shop.question(session).status_code == 404
    assert not shop.is_there()


def test_a_session_lives_for_a_week_and_is_swept_then(shop: Shop) -> None:
    session = shop.begun()
    shop.part(session, 0, QUANTUM)
    shop.later[0] = LIFE_S - 60
    assert shop.received(session) == f"bytes=0-{QUANTUM - 1}"
    shop.later[0] = LIFE_S + 60
    assert shop.question(session).status_code == 404
    sessions = folder_store(shop).sessions
    sessions.sweep()
    shop.later[0] = 0.0
    assert shop.question(session).status_code == 404


@pytest.mark.parametrize(
    "trick",
    [
        "/objects/uploads/x/../{name}",
        "/objects/uploads/./{name}",
        "/objects/uploads//{name}",
        "/objects/%75ploads/{name}",
        "/objects/uploads/{name}/",
        "/objects/uploads/uploads%2F{rest}",
        "/objects/uploads/%75ploads/{rest}",
        "/objects/uploads/%2575ploads/{rest}",
        "/objects/uploads/uploads%5C{rest}",
        "/objects/uploads/%2e%2e/uploads/{name}",
        "/objects/uploads/uploads/%c0%ae/{rest}",
        "/objects/uploads/uploads/%ef%bd%93ource",
        "/objects/downloads/{name}",
        "/objects/{work}/{name}",
        "/objects/uploads/.store/uploads",
        "/objects/uploads/%00",
    ],
)
@pytest.mark.parametrize("is_session", [False, True])
def test_another_way_to_spell_a_path_leads_nowhere(
    shop: Shop, server: ObjectServer, trick: str, is_session: bool
) -> None:
    path = trick.format(name=shop.name, rest=shop.name.removeprefix("uploads/"), work="work")
    url = shop.begun() if is_session else shop.ask(resumable=False).url
    query = urlsplit(url).query
    with opened(f"http://127.0.0.1:{server.port}{path}?{query}", b"film", announced=4) as connection:
        assert connection.recv(200).split()[1] in (b"400", b"403", b"404")
    assert not shop.is_there()


def test_refusals_are_problems_with_codes_for_programs(shop: Shop) -> None:
    upload = shop.ask(resumable=True)
    another_type = shop.send(upload, content_type="text/html")
    tampered = shop.http.post(upload.url + "0", headers=dict(upload.headers))
    shop.later[0] = 601.0
    answers = (another_type, tampered, shop.send(upload))
    assert [code_of(answer) for answer in answers] == ["wrong_type", "bad_signature", "url_expired"]
    assert {answer.headers["content-type"] for answer in answers} == {"application/problem+json"}


def test_a_session_that_the_disk_damaged_is_unknown_and_one_never_begun_is_swept(shop: Shop) -> None:
    session = shop.begun()
    folder = folder_store(shop)._root / ".store" / "uploads"
    (kept,) = (path for path in folder.glob("*/*/session.json") if json.loads(path.read_bytes())["name"] == shop.name)
    kept.write_text('{"name": "up')
    assert (shop.question(session).status_code, code_of(shop.question(session))) == (404, "unknown_upload")
    (half := kept.parent.parent / ("f" * 40)).mkdir()
    folder_store(shop).sessions.sweep()
    assert half.is_dir(), "it may be about to begin"
    shop.later[0] = LIFE_S + 60
    folder_store(shop).sessions.sweep()
    assert not half.exists()
