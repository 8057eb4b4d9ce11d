"""Where the HTTP API runs: on one machine and on the emulated cloud, by uvicorn and by functions-framework.

A place has the real processes a user would have: `montage serve`, or the deployed functions, and tasks.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from shared.connect import connect_keys, connect_local
from shared.domain.api_key import ApiKey, Scope, hash_of, new_key
from shared.ports import Cloud, KeyStore
from shared.settings import Settings
from tests.api_client import ApiClient
from tests.emulators.cloud import EmulatedCloud
from tests.emulators.processes import free_port, server

ROOT = Path(__file__).parents[1]
PLACES = ("local, uvicorn", "local, framework", "emulated, framework", "emulated, uvicorn")
UPLOAD_AND_READ: tuple[Scope, ...] = ("upload", "read")


@dataclass(kw_only=True)
class Place:
    """A running API, and what a test looks into behind its back."""

    name: str
    url: str
    cloud: Cloud
    keys: KeyStore
    home: Path | None
    """Of one machine: its MONTAGE_HOME."""
    clients: list[ApiClient] = field(default_factory=list)

    def key(self, owner: str, scopes: Sequence[Scope] = UPLOAD_AND_READ) -> str:
        """Make a key and return it."""
        key = new_key()
        made = ApiKey(sha256=hash_of(key), owner=owner, name="test", created_at=time.time(), scopes=tuple(scopes))
        assert self.keys.add(made)
        return key

    def client(self, owner: str, scopes: Sequence[Scope] = UPLOAD_AND_READ) -> ApiClient:
        """Return somebody who may call."""
        made = ApiClient(self.url, self.key(owner, scopes))
        self.clients.append(made)
        return made

    def objects_of(self, job_id: str) -> list[str]:
        """Return the names of all objects of a job, in all buckets."""
        stores = {"uploads": self.cloud.uploads, "work": self.cloud.work, "downloads": self.cloud.downloads}
        return [name for bucket, store in stores.items() for name in store.list(f"{bucket}/{job_id}/")]

    def tasks_of(self, job_id: str) -> list[psutil.Process]:
        """Return the living task processes of a job."""
        return [process for process in psutil.process_iter(["cmdline"]) if _is_task_of(process, job_id)]


def _is_task_of(process: psutil.Process, job_id: str) -> bool:
    words: list[str] = process.info["cmdline"] or []
    return job_id in words and any(word.startswith("jobs.") for word in words)


@contextmanager
def served(folder: Path, *, workers: int = 2, environment: dict[str, str] | None = None) -> Iterator[Place]:
    """Run `montage serve` in a home of its own, keys required."""
    with _machine(folder, workers=workers, environment=environment) as (port, home, settings):
        yield from _local_place("local, uvicorn", port, home, settings)


@contextmanager
def framework_on_one_machine(folder: Path, *, environment: dict[str, str] | None = None) -> Iterator[Place]:
    """Run the `api` function by functions-framework on the folders of a machine that `montage serve` works for."""
    port = free_port()
    with _machine(folder, workers=2, environment=environment) as (_, home, settings), ExitStack() as stack:
        own = {
            **_environment(home),
            **(environment or {}),
            "FUNCTION_TARGET": "api",
            "MONTAGE_REQUIRE_KEYS": "1",
            "MONTAGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
        }
        framework = Path(sys.executable).with_name("functions-framework")
        where = ["--asgi", f"--source={ROOT / 'functions' / 'main.py'}", "--target=api"]
        command: list[str | Path] = [framework, *where, "--host=127.0.0.1", f"--port={port}"]
        stack.enter_context(server(command, log=folder / "framework.log", port=port, environment=own))
        yield from _local_place("local, framework", port, home, settings)


@contextmanager
def emulated(here: EmulatedCloud) -> Iterator[Place]:
    """The `api` function of a running emulated cloud."""
    with closing(connect_keys(here.settings)) as keys:
        place = Place(
            name="emulated, framework",
            url=here.functions["api"].rstrip("/"),
            cloud=here.cloud,
            keys=keys,
            home=None,
        )
        yield from _with_clients_closed(place)


@contextmanager
def emulated_by_uvicorn(here: EmulatedCloud) -> Iterator[Place]:
    """The same application for the same cloud by plain uvicorn, as somebody may run it in a container."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "functions.api:app", "--host=127.0.0.1", f"--port={port}"]
    own = {**here.environment, "PYTHONPATH": str(ROOT)}
    with (
        server(command, log=here.folder / "uvicorn.log", port=port, environment=own),
        closing(connect_keys(here.settings)) as keys,
    ):
        url = f"http://127.0.0.1:{port}"
        place = Place(name="emulated, uvicorn", url=url, cloud=here.cloud, keys=keys, home=None)
        yield from _with_clients_closed(place)


@contextmanager
def _machine(folder: Path, *, workers: int, environment: dict[str, str] | None) -> Iterator[tuple[int, Path, Settings]]:
    port, home = free_port(), folder / "home"
    command = [sys.executable, "-m", "functions.local.montage", "serve", "--port", str(port)]
    own = {**_environment(home), **(environment or {})}
    words = ["--require-keys", "--workers", str(workers)]
    with server([*command, *words], log=folder / "serve.log", port=port, environment=own):
        yield port, home, Settings(home=home, models=Settings().models)


def _environment(home: Path) -> dict[str, str]:
    return {
        "MONTAGE_HOME": str(home),
        "MONTAGE_MODELS": str(Settings().models),
        "MONTAGE_REQUESTS_PER_MINUTE": "0",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }


def _local_place(name: str, port: int, home: Path, settings: Settings) -> Iterator[Place]:
    with connect_local(settings) as cloud, closing(connect_keys(settings)) as keys:
        place = Place(name=name, url=f"http://127.0.0.1:{port}", cloud=cloud, keys=keys, home=home)
        yield from _with_clients_closed(place)


def _with_clients_closed(place: Place) -> Iterator[Place]:
    try:
        yield place
    finally:
        for client in place.clients:
            client.close()
