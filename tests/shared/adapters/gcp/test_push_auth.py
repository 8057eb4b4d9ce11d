"""Tokens signed as Google signs them, by a key that is thrown away, with a certificate server of our own."""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.adapters.gcp.push_auth import ASK_AGAIN_S, CERTS_LAST_S, LONGEST_TOKEN, PushTokens
from shared.connect import connect_push_verifier
from shared.errors import MontageError, NotAllowed, NotAuthenticated, TryAgain
from shared.settings import GoogleSettings, Settings
from tests.contracts.hand_clock import HandClock
from tests.emulators.push_tokens import Certs, certificate, certs_server, push_token
from tests.emulators.signing_keys import signing_key

AUDIENCE, ACCOUNT = "https://montage.example/push", "pusher@montage.iam.gserviceaccount.com"


@pytest.fixture
def certs() -> Iterator[Certs]:
    with certs_server() as running:
        yield running


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def pushes(certs: Certs, clock: HandClock) -> PushTokens:
    return PushTokens(audience=AUDIENCE, service_account=ACCOUNT, certs_url=certs.url, clock=clock)


def token(**claims: object) -> str:
    return push_token(**{"audience": AUDIENCE, "email": ACCOUNT, **claims})  # type: ignore[arg-type]


def segment(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def code_of(pushes: PushTokens, authorization: str | None) -> str:
    with pytest.raises(NotAuthenticated) as caught:
        pushes.verify(authorization)
    return caught.value.code


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
def test_our_own_push_is_let_in(pushes: PushTokens, issuer: str) -> None:
    pushes.verify(f"Bearer {token(iss=issuer)}")
    pushes.verify(f"bearer {token()}")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dTpw", "token"])
def test_a_push_without_token_is_refused(pushes: PushTokens, certs: Certs, header: str | None) -> None:
    assert code_of(pushes, header) == "no_push_token"
    assert certs.requests == 0


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": int(time.time()) - 60},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(time.time()) + 600},
        {"audience": "https://montage.example/other"},
        {"aud": None},
        {"iss": "https://issuer.example"},
        {"iss": None},
        {"signer": "thief@example"},
        {"signer": "thief@example", "key_id": "unknown"},
    ],
)
def test_a_token_that_is_not_googles_for_us_now_is_refused(pushes: PushTokens, claims: dict[str, object]) -> None:
    assert code_of(pushes, f"Bearer {token(**claims)}") == "bad_push_token"


def test_clocks_may_differ_by_some_seconds(pushes: PushTokens) -> None:
    pushes.verify(f"Bearer {token(exp=int(time.time()) - 5)}")
    pushes.verify(f"Bearer {token(iat=int(time.time()) + 5)}")


@pytest.mark.parametrize(
    "claims", [{"email": "other@montage.iam.gserviceaccount.com"}, {"email_verified": False}, {"email": None}]
)
def test_another_account_is_not_allowed(pushes: PushTokens, claims: dict[str, object]) -> None:
    with pytest.raises(NotAllowed) as caught:
        pushes.verify(f"Bearer {token(**claims)}")
    assert caught.value.code == "wrong_account"


def test_a_tampered_token_is_refused(pushes: PushTokens) -> None:
    header, _, signature = token().split(".")
    other = token(email="thief@example").split(".")[1]
    assert code_of(pushes, f"Bearer {header}.{other}.{signature}") == "bad_push_token"


@pytest.mark.parametrize("algorithm", ["none", "HS256", "ES256", None, 7])
def test_only_googles_algorithm_counts(pushes: PushTokens, certs: Certs, algorithm: object) -> None:
    _, payload, signature = token().split(".")
    header = segment({"alg": algorithm, "typ": "JWT", "kid": "google-1"})
    for signed in ("", signature):
        assert code_of(pushes, f"Bearer {header}.{payload}.{signed}") == "bad_push_token"


@pytest.mark.parametrize(
    "junk",
    [
        "x",
        "a.b.c",
        "..",
        "é.é.é",
        "\0.\0.\0",
        f"{segment([])}.{segment({})}.",
        f"{segment({})}.{segment([])}.",
        "x" * 9000,
    ],
)
def test_junk_is_refused(pushes: PushTokens, certs: Certs, junk: str) -> None:
    assert code_of(pushes, f"Bearer {junk}") == "bad_push_token"
    assert certs.requests == 0


def test_googles_tokens_are_much_shorter_than_the_longest() -> None:
    assert len(token()) < LONGEST_TOKEN / 4


def test_certificates_are_fetched_once_an_hour(pushes: PushTokens, certs: Certs, clock: HandClock) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pushes.verify, [f"Bearer {token()}"] * 40))
    assert certs.requests == 1
    clock.forward(CERTS_LAST_S + 1)
    pushes.verify(f"Bearer {token()}")
    assert certs.requests == 2


def test_a_key_that_google_changed_is_asked_for(pushes: PushTokens, certs: Certs, clock: HandClock) -> None:
    pushes.verify(f"Bearer {token()}")
    certs.by_key_id = {"google-2": certificate(signing_key("next@example"))}
    clock.forward(ASK_AGAIN_S + 1)
    pushes.verify(f"Bearer {token(signer='next@example', key_id='google-2')}")


def test_made_up_keys_do_not_make_us_ask_each_time(pushes: PushTokens, certs: Certs) -> None:
    for number in range(20):
        assert code_of(pushes, f"Bearer {token(signer='thief@example', key_id=str(number))}") == "bad_push_token"
    assert certs.requests == 1


def test_without_certificates_nobody_is_let_in_and_nobody_refused(pushes: PushTokens, certs: Certs) -> None:
    certs.status = 503
    with pytest.raises(TryAgain):
        pushes.verify(f"Bearer {token()}")
    certs.status, right = 200, certs.by_key_id
    certs.by_key_id = {"error": 7}  # type: ignore[dict-item]
    with pytest.raises(TryAgain):
        pushes.verify(f"Bearer {token()}")
    certs.by_key_id = right
    pushes.verify(f"Bearer {token()}")


@pytest.mark.parametrize("left_out", ["push_audience", "push_service_account"])
def test_a_verifier_that_would_let_everybody_in_is_not_made(left_out: str) -> None:
    given = {"push_audience": AUDIENCE, "push_service_account": ACCOUNT, left_out: ""}
    with pytest.raises(MontageError, match=f"MONTAGE_GOOGLE_{left_out.upper()}") as caught:
        connect_push_verifier(Settings(cloud="gcp", google=GoogleSettings.model_validate(given)))
    assert caught.value.code == "not_configured"
    with pytest.raises(ValueError, match="let anybody in"):
        PushTokens(audience=AUDIENCE, service_account="", certs_url=None)


def test_settings_name_what_is_verified(certs: Certs) -> None:
    google = GoogleSettings(push_audience=AUDIENCE, push_service_account=ACCOUNT, push_certs_url=certs.url)
    pushes = connect_push_verifier(Settings(cloud="gcp", google=google))
    pushes.verify(f"Bearer {token()}")
    with pytest.raises(NotAuthenticated):
        pushes.verify(None)


def test_one_machine_trusts_itself() -> None:
    connect_push_verifier(Settings(cloud="local")).verify(None)
