"""What every route works with, made once for a process and kept with its application."""

from dataclasses import dataclass, field
from typing import cast

from fastapi import Request

from functions.v1.known_keys import KnownKeys
from functions.v1.rate_limit import RateLimit
from shared.ports import Cloud, KeyStore, Signers
from shared.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A process's settings and the ports behind its routes."""

    settings: Settings
    cloud: Cloud
    signers: Signers
    keys: KeyStore
    known: KnownKeys = field(default_factory=KnownKeys)
    limit: RateLimit = field(default_factory=RateLimit)


def api_of(request: Request) -> Api:
    """Return what the application that answers the request was made with."""
    return cast("Api", request.app.state.api)
