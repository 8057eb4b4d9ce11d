"""Functions as the framework serves them, in this process."""

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from functions_framework import create_app

from functions import api, serving
from shared.connect import LocalCloud
from tests.conftest import ROOT

EVENTS = Path(__file__).parent / "events"
Serve = Callable[[str], FlaskClient]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A request as it was recorded."""

    headers: Mapping[str, str]
    body: Any

    @property
    def data(self) -> bytes:
        return json.dumps(self.body).encode()


def recorded(name: str) -> Recorded:
    """Return a fresh copy of a recorded request."""
    return Recorded(**json.loads((EVENTS / f"{name}.json").read_text("utf-8")))


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """Return what makes a client of one entry point; settings come from the environment, as they do there."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    monkeypatch.setattr(sys, "path", list(sys.path))

    def client(target: str) -> FlaskClient:
        monkeypatch.setenv("FUNCTION_TARGET", target)
        monkeypatch.setenv("FUNCTION_SIGNATURE_TYPE", "http")
        app = create_app(target, str(ROOT / "functions" / "main.py"))  # type: ignore[no-untyped-call]
        assert isinstance(app, Flask)
        return app.test_client()

    yield client
    forget_process()
    root.handlers[:] = handlers
    root.setLevel(level)


def forget_process() -> None:
    """Close what the functions connected to, as the end of their process would."""
    if serving._process.cache_info().currsize:
        cloud = serving.process().cloud
        if isinstance(cloud, LocalCloud):
            cloud.close()
        else:
            for held in (cloud.uploads, cloud.jobs, cloud.bus, cloud.launcher):
                getattr(held, "close", lambda: None)()
    api.app.cache_clear()
    serving._process.cache_clear()
    serving._pushes.cache_clear()
