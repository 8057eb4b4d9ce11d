"""Whether a push comes from our own Pub/Sub subscription or Scheduler job: the OIDC token they send along."""

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

import requests
from google.auth import jwt
from google.auth.exceptions import GoogleAuthError, InvalidValue
from pydantic import TypeAdapter, ValidationError

from shared.adapters.gcp.failures import translated
from shared.errors import NotAllowed, NotAuthenticated
from shared.ports import Clock

log = logging.getLogger(__name__)

GOOGLE_CERTS_URL = "https://www.googleapis.com/oauth2/v1/certs"  # X.509, PEM, by key id
ISSUERS = ("https://accounts.google.com", "accounts.google.com")
LEEWAY_S = 10  # clocks differ; a token lives for an hour
CERTS_LAST_S = 3600.0  # Google's answer says about six hours, and shows a new key long before it signs
ASK_AGAIN_S = 60.0  # for a key we do not know: made-up key ids must not make us ask each time
ASK_TIMEOUT_S = 5.0  # pushes wait for it in a row; the platform delivers again what we could not judge
_BY_KEY_ID = TypeAdapter(dict[str, str])
LONGEST_TOKEN = 8192  # characters; Google's have about 1000


class PushTokens:
    """A PushVerifier for tokens that Google signed, for any number of threads. Certificates are kept for an hour."""

    def __init__(
        self,
        *,
        audience: str,
        service_account: str,
        certs_url: str | None,
        clock: Clock = time.monotonic,
    ) -> None:
        if not audience or not service_account:
            raise ValueError("a verifier without audience or service account would let anybody in")
        self._audience, self._service_account = audience, service_account
        self._certs_url = certs_url or GOOGLE_CERTS_URL
        self._clock = clock
        self._lock = threading.Lock()
        self._certs: Mapping[str, str] = {}
        self._asked_at = float("-inf")

    def verify(self, authorization: str | None) -> None:
        """Raises NotAuthenticated, NotAllowed, and TryAgain when Google's certificates cannot be fetched just now."""
        claims = self._claims(_bearer(authorization))
        if claims.get("iss") not in ISSUERS:
            raise _bad("its issuer is not Google")
        if claims.get("email") != self._service_account or claims.get("email_verified") is not True:
            log.warning("push of %r refused", claims.get("email"))
            raise NotAllowed("wrong_account", "This push comes from another account than the one that may send it.")

    def _claims(self, token: str) -> Mapping[str, Any]:
        """Return what a token says that Google signed for us and that has not expired."""
        try:
            header = jwt.decode_header(token)  # type: ignore[no-untyped-call]
            # The only algorithm Google signs with; "none" and the like end here.
            if header.get("alg") != "RS256" or not isinstance(header.get("kid"), str):
                raise _bad("it is not signed as Google signs")
            cert = self._cert(header["kid"])
            if cert is None:
                raise _bad("it is signed with a key that is not Google's")
            found = jwt.decode(  # type: ignore[no-untyped-call]
                token, certs={header["kid"]: cert}, audience=self._audience, clock_skew_in_seconds=LEEWAY_S
            )
        except (GoogleAuthError, ValueError, TypeError) as error:  # the last: a claim of another type than expected
            # Other errors' sentences hold the token itself.
            log.warning("push token refused: %s", error if isinstance(error, InvalidValue) else type(error).__name__)
            raise _bad("it is damaged, expired, or made for somebody else") from error
        assert isinstance(found, Mapping)
        return found

    def _cert(self, key_id: str) -> str | None:
        with self._lock:
            age_s = self._clock() - self._asked_at
            if age_s > CERTS_LAST_S or (key_id not in self._certs and age_s > ASK_AGAIN_S):
                self._certs = self._fetch()
                self._asked_at = self._clock()
            return self._certs.get(key_id)

    def _fetch(self) -> Mapping[str, str]:
        with translated("Fetching the certificates of push tokens"):
            answer = requests.get(self._certs_url, timeout=ASK_TIMEOUT_S)
            if answer.status_code != requests.codes.ok:
                raise requests.exceptions.ConnectionError(f"status {answer.status_code}")
            try:
                return _BY_KEY_ID.validate_json(answer.content)
            except ValidationError as error:
                raise requests.exceptions.ConnectionError("an answer that is no list of certificates") from error


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise NotAuthenticated("no_push_token", "A push needs the OIDC token of its subscription or Scheduler job.")
    if len(token) > LONGEST_TOKEN or not token.isascii():
        raise _bad("it is no token of Google's")
    return token


def _bad(why: str) -> NotAuthenticated:
    return NotAuthenticated("bad_push_token", f"The push's token is refused: {why}.")
