"""Cloud Storage for tests: fake-gcs-server, and before it what it gets wrong.

The proxy ends resumable uploads itself, checks signed URLs and what their accounts may do, holds preconditions on every
path, tells about finalized objects, keeps `bucket.cors`, and counts. The rest it passes on unchanged.

What it is not sure of: whether Cloud Storage judges a precondition when a resumable upload begins, too (it does here,
and at the end), and whether it minds x-goog- headers that were sent, but not signed (it does here). Not there: POST
policies, XML multipart uploads, preconditions inside batches and on metagenerations, old generations of an object.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from email.message import Message
from http.server import ThreadingHTTPServer
from pathlib import Path
from socket import SHUT_RDWR, socket
from threading import Lock, Thread
from typing import Any, Literal, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from tests.emulators.bucket_cors import Rule, upload_rule
from tests.emulators.fake_gcs import fake_gcs
from tests.emulators.finalized_events import FinalizedEvents, Listener
from tests.emulators.storage_handler import StorageHandler
from tests.emulators.upload_sessions import Sessions

Right = tuple[Literal["create", "get", "delete"], str]
"""What an account may do in which bucket. Overwriting takes "delete", too: as with roles/storage.objectCreator."""

TASK_HEADER = "x-montage-task"
"""A request that carries it is counted for that task, too."""


class Traffic:
    """Requests, and bytes of their bodies and of answers' bodies, counted."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Begin at zero."""
        with self._lock:
            self.requests = 0
            self.bytes_sent = 0
            self.requests_by_object: dict[str, int] = defaultdict(int)
            self.bytes_by_object: dict[str, int] = defaultdict(int)
            self.received_by_object: dict[str, int] = defaultdict(int)
            self.requests_by_task: dict[str, int] = defaultdict(int)
            self.bytes_by_task: dict[str, int] = defaultdict(int)

    def count_request(self, key: str, headers: Message) -> None:
        with self._lock:
            self.requests += 1
            self.requests_by_object[key] += 1
            if task := headers.get(TASK_HEADER):
                self.requests_by_task[task] += 1

    def count_received(self, key: str, count: int) -> None:
        with self._lock:
            self.received_by_object[key] += count

    def count_bytes(self, key: str, headers: Message, count: int) -> None:
        with self._lock:
            self.bytes_sent += count
            self.bytes_by_object[key] += count
            if task := headers.get(TASK_HEADER):
                self.bytes_by_task[task] += count


class ProxyServer(ThreadingHTTPServer):
    """A thread for each client, and what all of them share.

    Threads with blocking sockets copy several times as fast as an event loop would with its small pieces.
    """

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 256  # racing clients connect all at once

    def __init__(
        self, folder: Path, *, keys: Mapping[str, RSAPublicKey], rights: Mapping[str, Collection[Right]],
        rule: Rule, events: FinalizedEvents, clock: Callable[[], float],
    ) -> None:  # fmt: skip
        super().__init__(("127.0.0.1", 0), StorageHandler)
        self.folder = folder
        self.keys = keys
        self.rights = {account: set(rights.get(account, ())) for account in keys}
        self.cors: dict[str, list[Rule]] = {}
        self.events = events
        self.clock = clock
        self.sessions = Sessions(folder)
        self.traffic = Traffic()
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.upstream_port = 0
        self._rule = rule
        self._locks: dict[tuple[str, str], Lock] = defaultdict(Lock)
        self._guard = Lock()
        self._clients: set[socket] = set()

    def rules(self, bucket: str) -> Sequence[Rule]:
        """Return a bucket's own CORS rules, or else those that the proxy was started with."""
        return self.cors.get(bucket, [self._rule])

    def lock(self, bucket: str, name: str) -> Lock:
        """Return the lock that whoever changes the object must hold."""
        with self._guard:
            return self._locks[bucket, name]

    def log(self, words: str) -> None:
        with self._guard, (self.folder / "storage_proxy.log").open("a") as file:
            file.write(words)

    def get_request(self) -> tuple[socket, Any]:
        client, address = super().get_request()
        with self._guard:
            self._clients.add(client)
        return client, address

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._clients.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client went away between two requests

    def hang_up(self) -> None:
        """End every connection, so that no thread waits for a next request."""
        with self._guard:
            for client in self._clients:
                try:
                    client.shutdown(SHUT_RDWR)
                except OSError:
                    continue  # it has gone already


class StorageProxy:
    """A running proxy."""

    def __init__(self, server: ProxyServer) -> None:
        self._server = server
        self.url = server.url
        """What STORAGE_EMULATOR_HOST and `api_access_endpoint` take."""
        self.traffic = server.traffic

    @property
    def requests(self) -> int:
        return self.traffic.requests

    @property
    def bytes_sent(self) -> int:
        """Of answers' bodies."""
        return self.traffic.bytes_sent

    def reset(self) -> None:
        """Count from zero."""
        self.traffic.reset()

    def wait_for_events(self, timeout_s: float = 10.0) -> None:
        """Return when every event told so far was received. Raises TimeoutError."""
        self._server.events.wait(timeout_s)


@contextmanager
def storage_proxy(
    folder: Path,
    *,
    keys: Mapping[str, str | bytes],
    rights: Mapping[str, Collection[Right]],
    origins: Sequence[str] = (),
    on_finalized: Listener | None = None,
    events_to: str | None = None,
    events_of: Collection[str] | None = None,
    event_times: int = 1,
    clock: Callable[[], float] = time.time,
) -> Iterator[StorageProxy]:
    """Run an empty store until the block ends; its files and logs go to `folder`, which must be there.

    `keys` has each account's public key as PEM, `rights` what the account may do by signed URLs. The JSON API is open
    to everybody. `origins` are web pages that may use every bucket whose own `cors` was never set. `on_finalized` is
    called in a thread of the proxy, and what it raises means "again", like any answer but 2xx from `events_to`.
    `events_of` limits both to these buckets, as a trigger does.
    """
    loaded = {account: cast(RSAPublicKey, load_pem_public_key(_bytes(pem))) for account, pem in keys.items()}
    events = FinalizedEvents(on_finalized, events_to, times=event_times, buckets=events_of)
    server = ProxyServer(folder, keys=loaded, rights=rights, rule=upload_rule(origins), events=events, clock=clock)
    try:
        with fake_gcs(folder, public_url=server.url) as upstream, events.running(), _serving(server):
            server.upstream_port = int(upstream.rpartition(":")[2])
            yield StorageProxy(server)
    finally:
        server.server_close()


@contextmanager
def _serving(server: ProxyServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="storage-proxy")
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.hang_up()
        server.server_close()


def _bytes(pem: str | bytes) -> bytes:
    return pem.encode() if isinstance(pem, str) else pem
