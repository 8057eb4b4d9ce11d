"""What every route works with, made once for a process and kept with its application."""

from dataclasses import dataclass
from typing import cast

from fastapi import Request

from shared.ports import Cloud, KeyStore, Signers
from shared.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A process's settings and the ports behind its routes."""

    settings: Settings
    cloud: Cloud
    signers: Signers
    keys: KeyStore


def api_of(request: Request) -> Api:
    """Return what the application that answers the request was made with."""
    return cast("Api", request.app.state.api)
