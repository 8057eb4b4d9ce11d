"""Who is let in, by real requests to a small application with the routes' own dependencies."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from hmac import compare_digest
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.testclient import TestClient

from functions.v1 import callers
from functions.v1.callers import Caller, Reader, Uploader
from functions.v1.context import Api
from functions.v1.known_keys import KnownKeys
from functions.v1.problems import headers_of, problem, status_of
from functions.v1.rate_limit import RateLimit
from shared.connect import LocalCloud, connect_keys, connect_local
from shared.domain.api_key import ApiKey, Scope, hash_of, new_key
from shared.errors import MontageError
from shared.ports import Signers
from shared.settings import Settings
from tests.contracts.hand_clock import HandClock


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    with connect_local(Settings(home=tmp_path)) as cloud:
        yield cloud


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def api(cloud: LocalCloud, tmp_path: Path, clock: HandClock) -> Iterator[Api]:
    settings = Settings(home=tmp_path, require_keys=True)
    keys = connect_keys(settings)
    yield Api(
        settings=settings,
        cloud=cloud,
        signers=cast(Signers, None),  # nobody signs here
        keys=keys,
        known=KnownKeys(clock=clock),
        limit=RateLimit(clock=clock),
    )
    keys.close()


def make_key(api: Api, *scopes: Scope, owner: str = "ana") -> str:
    key = new_key()
    assert api.keys.add(ApiKey(sha256=hash_of(key), owner=owner, name="", created_at=1.0, scopes=scopes))
    return key


def served(api: Api) -> TestClient:
    app = FastAPI()
    app.state.api = api

    def told(caller: Caller) -> dict[str, Any]:
        return {"owner": caller.owner, "is_admin": caller.is_admin}

    @app.get("/read")
    def read(caller: Reader) -> dict[str, Any]:
        return told(caller)

    @app.post("/change")
    def change(caller: Uploader) -> dict[str, Any]:
        return told(caller)

    @app.exception_handler(MontageError)
    def failed(request: Request, error: MontageError) -> JSONResponse:
        return problem(status_of(error), error.code, error.message, headers=headers_of(error))

    return TestClient(app)


def call(client: TestClient, key: str | None, path: str = "/read", **headers: str) -> Any:
    shown = {} if key is None else {"Authorization": f"Bearer {key}"}
    return client.request("POST" if path == "/change" else "GET", path, headers={**shown, **headers})


def test_a_machine_that_asks_for_no_keys_lets_everybody_do_everything(api: Api, tmp_path: Path) -> None:
    client = served(replace(api, settings=Settings(home=tmp_path)))
    for path in ("/read", "/change"):
        answered = call(client, None, path)
        assert (answered.status_code, answered.json()) == (200, {"owner": "local", "is_admin": True})
        assert call(client, "anything", path).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "read", "change"),
    [
        (("read",), 200, 403),
        (("upload",), 403, 200),
        (("upload", "read"), 200, 200),
        (("admin",), 200, 200),
        ((), 403, 403),
    ],
)
def test_scopes_say_what_a_key_may_do(api: Api, scopes: tuple[Scope, ...], read: int, change: int) -> None:
    client, key = served(api), make_key(api, *scopes)
    for path, status in (("/read", read), ("/change", change)):
        answered = call(client, key, path)
        assert answered.status_code == status
        if status == 403:
            assert answered.json()["code"] == "wrong_scope"
        else:
            assert answered.json() == {"owner": "ana", "is_admin": "admin" in scopes}


def wrong_headers(key: str) -> list[str]:
    return ["", "Bearer", "Bearer ", f"Basic {key}", key, f"Bearer {key}x", f"Bearer {key[:-1]}", f"Bearer {new_key()}",
            f"Bearer {key.upper()}", f"Bearer {hash_of(key)}", "Bearer montage_%2e", f"Bearer {key} {key}"]  # fmt: skip


def test_wrong_keys_are_all_told_the_same(api: Api) -> None:
    client, key = served(api), make_key(api, "read")
    for header in wrong_headers(key):
        answered = client.get("/read", headers={"Authorization": header})
        assert (answered.status_code, answered.headers["WWW-Authenticate"]) == (401, "Bearer"), header
        assert answered.json()["code"] == "not_authenticated"
        assert key not in answered.text
    assert call(client, None).status_code == 401
    assert client.get("/read", headers={"Authorization": f"bearer  {key}"}).status_code == 200


def test_a_revoked_key_ends_within_5_seconds_here_and_at_once_elsewhere(api: Api, clock: HandClock) -> None:
    key = make_key(api, "read")
    here, elsewhere = served(api), served(replace(api, known=KnownKeys(clock=clock)))
    assert call(here, key).status_code == 200
    api.keys.revoke(hash_of(key), at=2.0)
    assert call(elsewhere, key).status_code == 401
    clock.now += 5.0
    assert call(here, key).status_code == 401


def test_a_burst_costs_one_look_into_the_store(api: Api, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[str] = []
    find = api.keys.find

    def counted(sha256: str) -> ApiKey | None:
        looks.append(sha256)
        return find(sha256)

    monkeypatch.setattr(api.keys, "find", counted)
    client, key = served(api), make_key(api, "read")
    for _ in range(20):
        assert call(client, key).status_code == 200
    assert len(looks) == 1
    clock.now += 5.0
    call(client, key)
    assert len(looks) == 2


def test_hashes_are_compared_in_constant_time(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[str, str]] = []

    def seen(one: str, other: str) -> bool:
        compared.append((one, other))
        return compare_digest(one, other)

    monkeypatch.setattr(callers, "compare_digest", seen)
    key = make_key(api, "read")
    assert call(served(api), key).status_code == 200
    assert compared == [(hash_of(key), hash_of(key))]


def test_a_store_that_finds_another_key_lets_nobody_in(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    other = ApiKey(sha256="a" * 64, owner="ana", name="", created_at=1.0, scopes=("admin",))
    monkeypatch.setattr(api.keys, "find", lambda sha256: other)
    assert call(served(api), new_key()).status_code == 401


def limited(api: Api, per_minute: int, **settings: Any) -> Api:
    changed = Settings(home=api.settings.home, requests_per_minute=per_minute, **{"require_keys": True, **settings})
    return replace(api, settings=changed)


def test_each_key_has_a_rate_of_its_own(api: Api, clock: HandClock) -> None:
    client = served(limited(api, 3))
    ana, ben = make_key(api, "read"), make_key(api, "read", owner="ben")
    assert [call(client, ana).status_code for _ in range(4)] == [200, 200, 200, 429]
    refused = call(client, ana)
    assert (refused.json()["code"], refused.headers["Retry-After"]) == ("too_many_requests", "20")
    assert call(client, ben).status_code == 200
    clock.now += 20
    assert call(client, ana).status_code == 200


def test_wrong_keys_share_the_rate_of_their_address_and_lock_out_no_key_that_is_known(
    api: Api, monkeypatch: pytest.MonkeyPatch, clock: HandClock
) -> None:
    client, ana = served(limited(api, 3)), make_key(api, "read")
    assert call(client, ana).status_code == 200
    assert [call(client, new_key()).status_code for _ in range(4)] == [401, 401, 401, 429]
    clock.now += 6.0  # what was known of ana's key is no longer fresh
    assert call(client, ana).status_code == 200
    monkeypatch.setattr(api.keys, "find", lambda sha256: pytest.fail("looked up"))
    assert call(client, new_key()).status_code == 429
    assert len(api.known._found) == 1


def test_a_machine_that_asks_for_no_keys_asks_its_owner_for_no_patience(api: Api) -> None:
    client = served(limited(api, 2, require_keys=False))
    assert [call(client, None).status_code for _ in range(9)] == [200] * 9


def test_in_the_cloud_an_address_is_what_google_s_front_end_says_last(api: Api) -> None:
    client = served(limited(api, 1, cloud="gcp", require_keys=None))
    ask = partial(call, client, None)
    assert ask(**{"X-Forwarded-For": "9.9.9.9, 1.1.1.1"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "8.8.8.8,1.1.1.1"}).status_code == 429
    assert ask(**{"X-Forwarded-For": "1.1.1.1, 2.2.2.2"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "2001:db8::1"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "2001:db8::2"}).status_code == 429
    assert ask(**{"X-Forwarded-For": "2001:db8:0:1::2"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "::ffff:5.5.5.5"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "::ffff:6.6.6.6"}).status_code == 401
    assert ask(**{"X-Forwarded-For": "5.5.5.5"}).status_code == 429
    assert ask(**{"X-Forwarded-For": "x" * 5000}).status_code == 401


def test_no_more_keys_are_kept_in_mind_than_fit(clock: HandClock) -> None:
    known = KnownKeys(clock=clock, most=2)
    for digit in "abc":
        known.look_up(digit * 64, lambda sha256: ApiKey(sha256=sha256, owner="ana", name="", created_at=1.0))
    assert [known.has_met(digit * 64) for digit in "abc"] == [False, True, True]
    known.look_up("c" * 64, lambda sha256: ApiKey(sha256=sha256, owner="a", name="", created_at=1.0, revoked_at=2.0))
    assert not known.has_met("c" * 64)
