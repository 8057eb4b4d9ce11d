"""How long the API lets callers wait while a job has the machine to itself.

    python -m benchmarks.api_beside_job [--source FILE] [--clients 3]

`montage serve` with a worker for every core makes a reel of a recording, with a key asked for, while a few callers ask
for the job, the list and the batch by turns, each over a connection that stays, every 20 to 50 ms. What they wait for
each is told; 19 of 20 answers of each kind have to be there within the bound. Beforehand the same is asked of the
server while nothing runs, which tells what is the machine's own slowness. Exits with 1 when the bound is missed.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from tests.api_client import ApiClient
from tests.api_places import served

ROOT = Path(__file__).parents[1]
SESSION = "raw_session_mixed_720p.mp4"
OPTIONS = {"mode": "motion"}
MOST_P95_S = 0.1
PAUSE_S = (0.02, 0.05)
IDLE_S = 5.0
FINAL = ("done", "failed", "cancelled")
LOOK_EVERY_S = 0.5
LONGEST_S = 600.0

Waits = dict[str, list[float]]


class Caller(threading.Thread):
    """Asks for one path after another until it is told to end, and keeps how long each answer took, in seconds."""

    def __init__(self, url: str, key: str, paths: Mapping[str, str]) -> None:
        super().__init__(daemon=True)
        self._url, self._key, self._paths = url, key, paths
        self._is_ending = threading.Event()
        self._trouble: Exception | None = None
        self.waits_s: dict[str, list[float]] = {kind: [] for kind in paths}

    def run(self) -> None:
        there = urlsplit(self._url)
        connection = HTTPConnection(there.hostname or "", there.port, timeout=30)
        try:
            while not self._is_ending.is_set():
                for kind, path in self._paths.items():
                    self.waits_s[kind].append(self._ask(connection, path))
                    self._is_ending.wait(random.uniform(*PAUSE_S))
        except Exception as error:
            self._trouble = error
        finally:
            connection.close()

    def end(self) -> None:
        """Stop asking. Raises what came in between."""
        self._is_ending.set()
        self.join()
        if self._trouble is not None:
            raise self._trouble

    def _ask(self, connection: HTTPConnection, path: str) -> float:
        began = time.perf_counter()
        connection.request("GET", path, headers={"Authorization": f"Bearer {self._key}"})
        answer = connection.getresponse()
        body = answer.read()
        took_s = time.perf_counter() - began
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:300]!r}")
        return took_s


def main() -> int:
    """Print a line for each kind of request; returns 1 when one keeps callers waiting too long."""
    arguments = _arguments()
    if not arguments.source.exists():
        print(f"no recording {arguments.source}; MONTAGE_MEDIA names another folder, and --source a file")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        found = _measure(Path(folder), arguments.source, arguments.clients)
    print(json.dumps({"source": arguments.source.name, "callers": arguments.clients, "job_s": round(found.job_s, 1)}))
    return 0 if all([_tell(kind, found) for kind in found.busy_s]) else 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How long callers waited for each kind of request, in seconds: before the job, and beside it."""

    idle_s: Waits
    busy_s: Waits
    job_s: float


def _measure(folder: Path, source: Path, clients: int) -> Found:
    with served(folder, workers=psutil.cpu_count() or 1) as place:
        client = place.client("ada")
        begun = client.begin(source, options=OPTIONS)
        (asked,) = begun["jobs"]
        paths = {
            "health": "/v1/health",
            "status": f"/v1/jobs/{asked['job']}",
            "list": "/v1/jobs?limit=50",
            "batch": f"/v1/batches/{begun['batch']}",
        }
        key = place.key("ada")
        with _asked(place.url, key, paths, clients) as idle_s:
            time.sleep(IDLE_S)
        client.send(asked["upload"], source.read_bytes())
        began = time.monotonic()
        with _asked(place.url, key, paths, clients) as busy_s:
            _check_done(client, asked["job"])
        return Found(idle_s=idle_s, busy_s=busy_s, job_s=time.monotonic() - began)


@contextmanager
def _asked(url: str, key: str, paths: Mapping[str, str], clients: int) -> Iterator[Waits]:
    """Have callers ask within the block; afterwards what is yielded holds how long they waited."""
    waits_s: Waits = {kind: [] for kind in paths}
    callers = [Caller(url, key, paths) for _ in range(clients)]
    for each in callers:
        each.start()
    yield waits_s
    for each in callers:
        each.end()
        for kind, more_s in each.waits_s.items():
            waits_s[kind] += more_s


def _check_done(client: ApiClient, job_id: str) -> None:
    give_up_at = time.monotonic() + LONGEST_S
    while (state := client.job(job_id)["state"]) not in FINAL:
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"the job is still {state}")
        time.sleep(LOOK_EVERY_S)
    if state != "done":
        raise RuntimeError(f"the job is {state}")


def _tell(kind: str, found: Found) -> bool:
    """Print what callers waited for one kind of request; returns whether that is within the bound."""
    p95_s = _share(found.busy_s[kind], 95)
    line = {
        "request": kind,
        "requests": len(found.busy_s[kind]),
        "idle_p50_ms": _ms(_share(found.idle_s[kind], 50)),
        "idle_p95_ms": _ms(_share(found.idle_s[kind], 95)),
        "p50_ms": _ms(_share(found.busy_s[kind], 50)),
        "p95_ms": _ms(p95_s),
        "max_ms": _ms(max(found.busy_s[kind])),
        "bound_ms": _ms(MOST_P95_S),
        "ok": p95_s <= MOST_P95_S,
    }
    print(json.dumps(line), flush=True)
    return p95_s <= MOST_P95_S


def _share(waits_s: Sequence[float], percent: int) -> float:
    """Return within which time so many percent of the answers came."""
    return statistics.quantiles(waits_s, n=100, method="inclusive")[percent - 1]


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    media = Path(os.environ.get("MONTAGE_MEDIA") or ROOT.parent / "shared" / "media")
    parser.add_argument("--source", type=Path, default=media / SESSION, help="what the job makes a reel of")
    parser.add_argument("--clients", type=int, default=3, help="how many callers ask at the same time")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
