"""How fast a machine's own server takes a large upload, beside a plain copy of the file, and in how much memory.

    python -m benchmarks.uploads [--gib 5] [--part-mib 16]

A server process of its own on loopback, the whole API, takes a sparse file by parts and once whole, and then the first
bytes of many small ones whose senders fall silent, while it is asked for its health. Prints a JSON line and a summary;
exits with 1 if the server's memory went beyond its bound.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import uvicorn

from functions.api import app
from shared.connect import connect_local, connect_signers
from shared.ports import ObjectStat, SignedUpload
from shared.settings import Settings

GIB, MIB = 1024**3, 1024**2
MOST_RSS_BYTES = 300 * MIB
SAMPLE_EVERY_S = 0.02
IDLE_SENDERS, HEALTH_REQUESTS = 200, 200


@dataclass(frozen=True, kw_only=True)
class Took:
    """What one way took."""

    wall_s: float
    cpu_s: float
    """Of the server, or of the copy."""


class PeakMemory:
    """The largest resident size that a process is seen with."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._ended = threading.Event()
        self.rss_bytes = 0

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()

    def _watch(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while not self._ended.wait(SAMPLE_EVERY_S):
                self.rss_bytes = max(self.rss_bytes, self._process.memory_info().rss)


def main() -> int:
    """Measure, print, and return 1 if the bound was missed."""
    arguments = _arguments()
    if arguments.serve:
        return _serve(arguments.serve)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = measured(Path(folder), int(arguments.gib * GIB), arguments.part_mib * MIB)
    print(json.dumps(figures))
    print(summary(figures))
    return 0 if figures["server_peak_mib"] * MIB < MOST_RSS_BYTES else 1


def measured(folder: Path, size_bytes: int, part_bytes: int) -> dict[str, float]:
    """Return the figures of one round; copies are made before and after the uploads."""
    source = folder / "source"
    with source.open("wb") as file:
        file.truncate(size_bytes)
    with server(folder / "home") as (settings, process):
        peak = PeakMemory(process.pid)
        idle_bytes = psutil.Process(process.pid).memory_info().rss
        with peak.watched():
            copies = [copied(source, folder / "copy")]
            by_parts = uploaded(settings, process.pid, source, lambda upload: send_parts(upload, source, part_bytes))
            whole = uploaded(settings, process.pid, source, lambda upload: send_whole(upload, source), is_whole=True)
            health_s = health_beside_idle(settings)
            copies.append(copied(source, folder / "copy"))
    copy = Took(wall_s=_mean(it.wall_s for it in copies), cpu_s=_mean(it.cpu_s for it in copies))
    return {
        "size_gib": round(size_bytes / GIB, 3),
        "part_mib": part_bytes // MIB,
        "copy_s": round(copy.wall_s, 2),
        "by_parts_s": round(by_parts.wall_s, 2),
        "whole_s": round(whole.wall_s, 2),
        "by_parts_to_copy": round(by_parts.wall_s / copy.wall_s, 2),
        "whole_to_copy": round(whole.wall_s / copy.wall_s, 2),
        "copy_cpu_s": round(copy.cpu_s, 2),
        "by_parts_server_cpu_s": round(by_parts.cpu_s, 2),
        "whole_server_cpu_s": round(whole.cpu_s, 2),
        "idle_senders": IDLE_SENDERS,
        "health_p95_ms": round(1000 * statistics.quantiles(health_s, n=20)[-1], 1),
        "server_idle_mib": round(idle_bytes / MIB, 1),
        "server_peak_mib": round(peak.rss_bytes / MIB, 1),
    }


def summary(figures: dict[str, float]) -> str:
    """Return the figures as a sentence."""
    return (
        f"bench-uploads: {figures['size_gib']:g} GiB: a copy {figures['copy_s']} s, "
        f"an upload in parts of {figures['part_mib']:g} MiB {figures['by_parts_s']} s "
        f"({figures['by_parts_to_copy']}x), whole {figures['whole_s']} s ({figures['whole_to_copy']}x); "
        f"beside {figures['idle_senders']:g} idle senders 19 of 20 answers for health came within "
        f"{figures['health_p95_ms']} ms; "
        f"the server held at most {figures['server_peak_mib']} MiB "
        f"({figures['server_idle_mib']} MiB at rest, bound {MOST_RSS_BYTES // MIB} MiB)"
    )


def copied(source: Path, target: Path) -> Took:
    """Copy through this process's memory and to the disk, as a server has to."""
    began, cpu_began = time.perf_counter(), time.process_time()
    with source.open("rb", buffering=0) as reader, target.open("wb", buffering=0) as writer:
        while piece := reader.read(MIB):
            writer.write(piece)
        os.fsync(writer.fileno())
    took = Took(wall_s=time.perf_counter() - began, cpu_s=time.process_time() - cpu_began)
    target.unlink()
    return took


def uploaded(
    settings: Settings, pid: int, source: Path, send: Callable[[SignedUpload], None], *, is_whole: bool = False
) -> Took:
    """Upload the file, look that all of it is there, and remove it."""
    size_bytes = source.stat().st_size
    signer = connect_signers(settings).uploads
    make = signer.single_upload if is_whole else signer.resumable_upload
    name = f"uploads/{'a' * 26}/source"
    upload = make(name, content_type="video/mp4", max_bytes=size_bytes, expires_s=3600)
    began, cpu_began = time.perf_counter(), _cpu_s(pid)
    send(upload)
    took = Took(wall_s=time.perf_counter() - began, cpu_s=_cpu_s(pid) - cpu_began)
    with connect_local(settings) as cloud:
        stat: ObjectStat = cloud.uploads.stat(name)
        assert (stat.size_bytes, stat.content_type) == (size_bytes, "video/mp4")
        cloud.uploads.delete(name)
    return took


def send_parts(upload: SignedUpload, source: Path, part_bytes: int) -> None:
    """Send the file as a browser does: part by part, each after the answer to the one before."""
    size_bytes = source.stat().st_size
    with _connected(upload.url) as connection:
        connection.request(upload.method, _target(upload.url), headers={**upload.headers, "content-length": "0"})
        begun = connection.getresponse()
        begun.read()
        assert begun.status == 201, begun.status
        session = begun.headers["Location"]
        assert session is not None
        for first in range(0, size_bytes, part_bytes):
            end = min(first + part_bytes, size_bytes)
            headers = {"Content-Range": f"bytes {first}-{end - 1}/{size_bytes}"}
            status = _put(connection, session, source, headers, first=first, count=end - first)
            assert status == (200 if end == size_bytes else 308), status


def send_whole(upload: SignedUpload, source: Path) -> None:
    """Send the file as one request's body."""
    with _connected(upload.url) as connection:
        status = _put(connection, upload.url, source, upload.headers, first=0, count=source.stat().st_size)
        assert status == 200, status


def health_beside_idle(settings: Settings) -> list[float]:
    """Return how long each of some answers took, in seconds, while many senders have stopped in mid-file."""
    signer = connect_signers(settings).uploads
    names = [f"uploads/{number:026d}/source" for number in range(IDLE_SENDERS)]
    with ExitStack() as stack:
        for name in names:
            upload = signer.resumable_upload(name, content_type="video/mp4", max_bytes=MIB, expires_s=3600)
            _send_half(stack.enter_context(_connected(upload.url)), upload)
        asking = stack.enter_context(_connected(settings.public_url))
        found = [_health_s(asking) for _ in range(HEALTH_REQUESTS)]
    with connect_local(settings) as cloud:
        for name in names:
            cloud.uploads.delete(name)
    return found


def _send_half(connection: http.client.HTTPConnection, upload: SignedUpload) -> None:
    connection.request(upload.method, _target(upload.url), headers={**upload.headers, "content-length": "0"})
    begun = connection.getresponse()
    begun.read()
    connection.putrequest("PUT", _target(str(begun.headers["Location"])))
    connection.putheader("Content-Range", f"bytes 0-{MIB - 1}/{MIB}")
    connection.putheader("Content-Length", str(MIB))
    connection.endheaders(bytes(MIB // 2))


def _health_s(connection: http.client.HTTPConnection) -> float:
    began = time.perf_counter()
    connection.request("GET", "/v1/health")
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200, answer.status
    return time.perf_counter() - began


def _put(
    connection: http.client.HTTPConnection,
    url: str,
    source: Path,
    headers: Mapping[str, str],
    *,
    first: int,
    count: int,
) -> int:
    connection.putrequest("PUT", _target(url), skip_accept_encoding=True)
    for key, value in headers.items():
        connection.putheader(key, value)
    connection.putheader("content-length", str(count))
    connection.endheaders()
    with source.open("rb") as file:
        connection.sock.sendfile(file, first, count)  # of a sender's own work as little as can be
    answer = connection.getresponse()
    answer.read()
    return answer.status


@contextmanager
def server(home: Path) -> Iterator[tuple[Settings, subprocess.Popen[bytes]]]:
    """Run a server process of the objects below `home` until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = Settings(home=home, public_url=f"http://127.0.0.1:{port}")
    command = [sys.executable, "-m", "benchmarks.uploads", "--serve", str(port)]
    log_path = home.parent / "server.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, env={**os.environ, **settings.as_environment()}, stderr=log)
    try:
        _wait_until_it_listens(process, port, log_path)
        yield settings, process
    finally:
        process.terminate()
        process.wait(10)


def _serve(port: int) -> int:
    """Serve the whole API."""
    config = uvicorn.Config(app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)
    uvicorn.Server(config).run()
    return 0


def _wait_until_it_listens(
    process: subprocess.Popen[bytes], port: int, log_path: Path, timeout_s: float = 30.0
) -> None:
    until = time.monotonic() + timeout_s
    while process.poll() is None and time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log_path.read_text(errors='replace')[-2000:]}")


@contextmanager
def _connected(url: str) -> Iterator[http.client.HTTPConnection]:
    address = urlsplit(url)
    with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)) as connection:
        connection.connect()
        yield connection


def _target(url: str) -> str:
    address = urlsplit(url)
    return f"{address.path}?{address.query}"


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


def _mean(values: Iterator[float]) -> float:
    return statistics.fmean(values)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gib", type=float, default=5.0, help="how large the file is")
    parser.add_argument("--part-mib", type=int, default=16, help="how large its parts are")
    parser.add_argument("--folder", type=Path, help="where to work, e.g. on another disk; what is made is removed")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
