"""`montage serve` behind a line that can be slow and be cut, and what a test asks it behind the page's back."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.settings import Settings
from tests.api_client import ApiClient
from tests.emulators.processes import free_port, server
from tests.web.cutting_relay import Line, cuttable

ROOT = Path(__file__).parents[2]
UNHINDERED_BYTES_PER_S = 1e9


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server without keys, as `make serve` starts it, and the line to it."""

    url: str
    line: Line
    client: ApiClient

    def reel_s(self, job_id: str) -> float:
        """Return how long a job's reel is."""
        return float(self.client.job(job_id)["numbers"]["reel_s"])

    def clips_of(self, job_id: str) -> list[dict[str, Any]]:
        """Return the clips of a job's reel as its report tells them."""
        address = self.client.get(f"/v1/jobs/{job_id}/artifacts/report").headers["Location"]
        clips: list[dict[str, Any]] = self.client.plain.get(address).json()["edit_list"]["clips"]
        return clips


@contextmanager
def served_page(
    folder: Path, *, bytes_per_s: float = UNHINDERED_BYTES_PER_S, environment: dict[str, str] | None = None
) -> Iterator[Served]:
    """Serve from a home of its own below the folder until the block ends."""
    port, front = free_port(), free_port()
    url = f"http://localhost:{front}"
    own = {
        "MONTAGE_HOME": str(folder / "home"),
        "MONTAGE_MODELS": str(Settings().models),
        "MONTAGE_PUBLIC_URL": url,
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        **(environment or {}),
    }
    command = [sys.executable, "-m", "functions.local.montage", "serve", "--port", str(port)]
    with (
        server(command, log=folder / "serve.log", port=port, environment=own),
        cuttable(port, port=front) as line,
        ApiClient(f"http://localhost:{port}") as client,
    ):
        line.bytes_per_s = bytes_per_s
        yield Served(url=url, line=line, client=client)
