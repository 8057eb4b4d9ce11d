"""The gates before the application, on a real server: what passes, what is refused, and how much is read."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import uvicorn
from fastapi import Body, FastAPI, Request
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from functions.v1.gates import MOST_BODY_BYTES, BodyLimit, add_gates
from shared.settings import Settings
from tests.emulators.processes import free_port

ALLOWED = "https://club.example"


@dataclass(kw_only=True)
class Served:
    """A small application behind its gates, and what reached it."""

    url: str
    port: int
    http: httpx.Client
    reached: list[str] = field(default_factory=list)

    def ask(self, method: str = "GET", path: str = "/v1/thing", **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.request(method, f"{self.url}{path}", headers=named)


@contextmanager
def served(settings: Settings) -> Iterator[Served]:
    app = FastAPI()
    add_gates(app, settings)
    port = free_port()
    made = Served(url=f"http://127.0.0.1:{port}", port=port, http=httpx.Client(timeout=10))

    @app.api_route("/v1/thing", methods=["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
    def thing() -> dict[str, str]:
        made.reached.append("thing")
        return {}

    @app.post("/v1/json")
    def parsed(body: Any = Body()) -> int:  # noqa: B008
        made.reached.append("json")
        return len(json.dumps(body))

    @app.put("/objects/film")
    async def film(request: Request) -> int:
        return sum([len(piece) async for piece in request.stream()])

    @app.get("/v1/slowly")
    def slowly() -> StreamingResponse:
        def pieces() -> Iterator[bytes]:
            for _ in range(3):
                yield b"piece"
                time.sleep(0.3)

        return StreamingResponse(pieces())

    @app.get("/v1/bug")
    def bug() -> None:
        raise RuntimeError("unforeseen")

    config = uvicorn.Config(
        app, port=port, http="h11", ws="none", lifespan="off", log_config=None, log_level="critical"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield made
    finally:
        made.http.close()
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("home")
    with served(Settings(home=home, allowed_origins=ALLOWED, allowed_hosts="montage.example")) as made:
        yield made


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("localhost:8080", 200), ("127.0.0.1:1", 200), ("[::1]", 200), ("[::1]:8080", 200),
        ("LOCALHOST", 200), ("montage.example", 200), ("Montage.Example:443", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example:8080", 421),
        ("127.0.0.2", 421), ("0.0.0.0:8080", 421), ("[::2]", 421), ("montage.example.", 421), ("", 421),
        ("localhost@evil.example", 421), ("evil.example:localhost", 421),
    ],
)  # fmt: skip
def test_only_the_hosts_of_the_table_are_answered_for(local: Served, host: str, status: int) -> None:
    answered = local.ask(Host=host)
    assert answered.status_code == status
    if status == 421:
        assert (answered.json()["code"], answered.headers["Content-Type"]) == ("wrong_host", "application/problem+json")


def test_in_the_cloud_hosts_are_checked_only_where_they_are_named(tmp_path: Path) -> None:
    with served(Settings(cloud="gcp", home=tmp_path)) as anywhere:
        assert anywhere.ask(Host="api-abc.run.example").status_code == 200
    with served(Settings(cloud="gcp", home=tmp_path, allowed_hosts="api.example")) as somewhere:
        assert somewhere.ask(Host="api.example").status_code == 200
        assert somewhere.ask(Host="localhost").status_code == 421


OTHER, CROSS, NAVIGATE = "https://evil.example", {"Sec_Fetch_Site": "cross-site"}, {"Sec_Fetch_Mode": "navigate"}


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {}, 200),  # programs send neither
        ("POST", {"Origin": "OWN"}, 200),
        ("POST", {"Origin": "OWN", "Sec_Fetch_Site": "same-origin"}, 200),
        ("POST", {"Origin": ALLOWED, **CROSS}, 200),
        ("DELETE", {"Origin": ALLOWED.upper()}, 200),
        ("GET", CROSS, 200),  # a link or a picture; it has no key and reads nothing
        ("GET", {"Origin": OTHER, **CROSS, **NAVIGATE}, 200),
        ("GET", {"Origin": "null", **CROSS, **NAVIGATE}, 200),
        ("HEAD", {"Origin": OTHER, **NAVIGATE}, 200),
        ("GET", {"Origin": OTHER}, 403),
        ("GET", {"Origin": OTHER, **CROSS, "Sec_Fetch_Mode": "cors"}, 403),
        ("POST", {"Origin": OTHER}, 403),
        ("POST", {"Origin": OTHER, **NAVIGATE}, 403),  # a form
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Origin": ""}, 403),
        ("POST", CROSS, 403),
        ("PUT", CROSS, 403),
        ("DELETE", CROSS, 403),
        ("POST", {"Origin": "http://127.0.0.1"}, 403),  # another server of this machine
        ("POST", {"Origin": "http://localhost:3000"}, 403),
        ("POST", {"Origin": "http://127.0.0.1:x"}, 403),
        ("POST", {"Origin": f"{ALLOWED}.evil.example"}, 403),
        ("POST", {"Origin": "http://club.example"}, 403),
        ("OPTIONS", {"Origin": OTHER, "Access_Control_Request_Method": "POST"}, 403),
    ],
)
def test_pages_of_other_sites_may_ask_for_what_the_table_says(
    local: Served, method: str, headers: dict[str, str], status: int
) -> None:
    reached = len(local.reached)
    own = {name: local.url if value == "OWN" else value for name, value in headers.items()}
    answered = local.ask(method, **own)
    assert answered.status_code == status
    assert len(local.reached) == reached + (status == 200)
    if status == 403:
        assert answered.json()["code"] == "wrong_origin"
        assert "Access-Control-Allow-Origin" not in answered.headers


def test_behind_a_front_end_that_ends_tls_the_page_s_own_origin_is_its_own(local: Served) -> None:
    assert local.ask("POST", Host="montage.example", Origin="https://montage.example").status_code == 200
    assert local.ask("POST", Host="montage.example:443", Origin="https://montage.example").status_code == 200
    assert local.ask("POST", Host="montage.example", Origin="https://montage.example:8443").status_code == 403


@pytest.mark.parametrize(
    "wanted", ["authorization,content-type", "if-match", "idempotency-key", "content-range, x-goog-resumable"]
)
def test_an_allowed_origin_s_preflight_is_answered(local: Served, wanted: str) -> None:
    answered = local.ask(
        "OPTIONS",
        Origin=ALLOWED,
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers=wanted,
        Access_Control_Request_Private_Network="true",
    )
    assert answered.status_code == 200
    assert answered.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert answered.headers["Access-Control-Allow-Private-Network"] == "true"
    assert {name.strip() for name in wanted.split(",")} <= {
        name.strip().lower() for name in answered.headers["Access-Control-Allow-Headers"].split(",")
    }


def test_an_allowed_origin_s_page_sends_its_key_and_reads_the_answer(local: Served) -> None:
    answered = local.ask("POST", Origin=ALLOWED, Authorization="Bearer montage_x")
    assert (answered.status_code, answered.headers["Access-Control-Allow-Origin"]) == (200, ALLOWED)
    assert {"Location", "Range", "ETag", "Content-Range", "Retry-After"} <= {
        name.strip() for name in answered.headers["Access-Control-Expose-Headers"].split(",")
    }
    assert "Access-Control-Allow-Credentials" not in answered.headers
    assert "Access-Control-Allow-Origin" not in local.ask().headers


def test_every_answer_has_the_headers_that_keep_browsers_careful(local: Served) -> None:
    answers = [
        local.ask(), local.ask(path="/none"), local.ask(Host="evil.example"), local.ask("POST", Origin=OTHER),
        local.http.post(f"{local.url}/v1/json", content=b" " * (MOST_BODY_BYTES + 1)),
        local.ask("OPTIONS", Origin=ALLOWED, Access_Control_Request_Method="PUT"),
        local.ask(path="/v1/bug"),  # last: the server closes the connection after it
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200, 404, 421, 403, 413, 200, 500]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"


def begun(local: Served, head: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", local.port), timeout=10)
    connection.sendall(f"{head}\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode())
    return connection


def answer_on(connection: socket.socket) -> bytes:
    """Return all that comes until the server ends the connection."""
    come = b""
    with suppress(ConnectionResetError):  # how an end looks to those of whom something was left unread
        while piece := connection.recv(65536):
            come += piece
    return come


def test_a_body_of_100_mb_is_refused_before_a_byte_of_it_is_sent(local: Served) -> None:
    with begun(local, "POST /v1/json HTTP/1.1") as connection:
        connection.sendall(b"Content-Length: 100000000\r\n\r\n")
        answered = answer_on(connection)
    assert answered.startswith(b"HTTP/1.1 413") and b'"code":"body_too_large"' in answered
    assert b"connection: close" in answered.lower()


def test_a_body_whose_length_is_not_told_is_refused_when_it_has_become_too_long(local: Served) -> None:
    piece = b" " * 65536
    chunk = f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    with begun(local, "POST /v1/json HTTP/1.1") as connection:
        connection.sendall(b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(MOST_BODY_BYTES // len(piece) + 1):
            connection.sendall(chunk)
        answered = answer_on(connection)
    assert answered.startswith(b"HTTP/1.1 413") and answered.count(b"HTTP/1.1") == 1
    assert "json" not in local.reached


@pytest.mark.parametrize("is_told", [True, False])
def test_a_client_that_sends_100_mb_without_looking_gets_the_answer(local: Served, is_told: bool) -> None:
    piece = b" " * 1_000_000
    content = (piece for _ in range(100))
    told = {"Content-Length": "100000000"} if is_told else {}
    began = time.monotonic()
    answered = local.http.post(f"{local.url}/v1/json", content=content, headers=told)
    assert (answered.status_code, answered.json()["code"]) == (413, "body_too_large")
    assert time.monotonic() - began < 5


def test_a_body_of_1_mib_passes(local: Served) -> None:
    text = "a" * (MOST_BODY_BYTES - 2)
    for content in (json.dumps(text).encode(), iter([json.dumps(text).encode()])):
        answered = local.http.post(
            f"{local.url}/v1/json", content=content, headers={"Content-Type": "application/json"}
        )
        assert (answered.status_code, answered.json()) == (200, MOST_BODY_BYTES)


def test_films_may_be_larger(local: Served) -> None:
    content = (b" " * 1_000_000 for _ in range(5))
    assert local.http.put(f"{local.url}/objects/film", content=content).json() == 5_000_000


def test_answers_come_as_they_are_made(local: Served) -> None:
    began, first_s = time.monotonic(), 0.0
    with local.http.stream("GET", f"{local.url}/v1/slowly", timeout=10) as answered:
        for _ in answered.iter_raw():
            first_s = first_s or time.monotonic() - began
    assert first_s < (time.monotonic() - began) / 2


@pytest.mark.parametrize("is_whole", [False, True])
def test_a_body_may_dawdle_only_for_so_long_and_an_answer_as_it_likes(is_whole: bool) -> None:
    sent: list[Message] = []
    pieces = iter([b"{", b"}"] if is_whole else [b"{"])

    async def receive() -> Message:
        piece = next(pieces, None)
        if piece is None:
            await anyio.sleep(0.3 if is_whole else 5.0)  # nobody sends anything, or nobody goes away
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece, "more_body": piece != b"}"}

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        assert (await receive())["type"] == "http.disconnect"  # a long answer looks whether anybody still listens
        await PlainTextResponse("fine")(scope, receive, send)

    scope: Scope = {"type": "http", "method": "POST", "path": "/v1/uploads", "headers": []}
    anyio.run(BodyLimit(app, longest_s=0.1), scope, receive, send)
    assert sent[0]["status"] == (200 if is_whole else 408)
    assert sent[1]["body"] == b"fine" if is_whole else b'"code":"too_slow"' in sent[1]["body"]
