"""A server of one machine's objects, as people reach it: uvicorn on loopback, in a thread of the test's process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import uvicorn
from starlette.types import ASGIApp

from functions.local.object_routes import object_routes
from shared.connect import LocalCloud, connect_local, connect_signers
from shared.ports import Signers
from shared.settings import Settings


@dataclass(frozen=True, kw_only=True)
class ObjectServer:
    """A server that runs."""

    settings: Settings
    cloud: LocalCloud
    signers: Signers
    http: httpx.Client
    port: int
    later: list[float] = field(default_factory=lambda: [0.0])
    """Seconds by which its clock is ahead."""


@contextmanager
def object_server(home: Path, *, idle_s: float = 60.0, disk_reserve_bytes: int = 0) -> Iterator[ObjectServer]:
    """Serve the objects below `home` until the block ends."""
    later = [0.0]

    def clock() -> float:
        return time.time() + later[0]

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        settings = Settings(home=home, public_url=f"http://127.0.0.1:{port}", disk_reserve_bytes=disk_reserve_bytes)
        signers = connect_signers(settings, clock=clock)
        with connect_local(settings, clock=clock) as cloud:
            app = object_routes(settings, cloud, signers, idle_s=idle_s)
            with _serving(app, listener), closing(httpx.Client(timeout=20, verify=False)) as http:
                yield ObjectServer(settings=settings, cloud=cloud, signers=signers, http=http, port=port, later=later)


@contextmanager
def _serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join()
