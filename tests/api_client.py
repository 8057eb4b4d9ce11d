"""A program that uses the HTTP API, as somebody else would write it: plain HTTP, nothing of Montage's own."""

import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

QUANTUM_BYTES = 256 * 1024  # parts of a resumable upload are multiples of it, but for the last
RESUME_INCOMPLETE = 308
MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".m4a": "audio/mp4", ".txt": "application/octet-stream"}


@dataclass
class ApiClient:
    """One caller of the API at an address, with a key where one is asked for."""

    base_url: str
    key: str | None = None
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.base_url, headers=self._headers(), timeout=self.timeout_s)
        self.plain = httpx.Client(timeout=self.timeout_s)
        """For signed addresses, which need no key and must not be told one."""

    def close(self) -> None:
        self.http.close()
        self.plain.close()

    def __enter__(self) -> "ApiClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path, params=params)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        return self.http.post(path, json=body, headers=headers) if body is not None else self.http.post(path)

    def begin(
        self, *files: Path, options: Mapping[str, Any] | None = None, resumable: bool = True, **headers: str
    ) -> Any:
        """Ask for the upload of these files and return the answer's body."""
        body = {"files": [file_body(file) for file in files], "options": dict(options or {}), "resumable": resumable}
        answer = self.http.post("/v1/uploads", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def upload(self, video: Path, *, options: Mapping[str, Any] | None = None, breaks: int = 0) -> str:
        """Make a job of the file, send it, with the connection cut now and then, and return the job's id."""
        (job,) = self.begin(video, options=options)["jobs"]
        self.send(job["upload"], video.read_bytes(), breaks=breaks)
        return str(job["job"])

    def start(self, upload: Mapping[str, Any]) -> str:
        """Begin a resumable upload and return its session's address."""
        begun = self.plain.request(upload["method"], upload["url"], headers=upload["headers"])
        assert begun.status_code == 201, begun.text
        return begun.headers["Location"]

    def send(self, upload: Mapping[str, Any], data: bytes, *, breaks: int = 0, part_bytes: int | None = None) -> None:
        """Send all of it; resumable ones in parts, where `breaks` of the connections are cut in the middle."""
        if not upload["resumable"]:
            answer = self.plain.request(upload["method"], upload["url"], headers=upload["headers"], content=data)
            assert answer.status_code in (200, 201), answer.text
            return
        session = self.start(upload)
        parts = breaks + 1
        part_bytes = part_bytes or max(QUANTUM_BYTES, -(-len(data) // parts // QUANTUM_BYTES) * QUANTUM_BYTES)
        at = 0
        while at < len(data):
            piece = data[at : at + part_bytes]
            if breaks:
                breaks -= 1
                cut_off(session, piece, at=at, total=len(data), after=len(piece) * 2 // 3)
                at = self.offset(session, len(data))
                continue
            answer = self.put(session, piece, at=at, total=len(data))
            if answer.status_code == RESUME_INCOMPLETE:
                at = next_offset(answer)
                continue
            assert answer.status_code in (200, 201), answer.text
            return

    def put(self, session: str, piece: bytes, *, at: int, total: int | str) -> httpx.Response:
        """Send one part."""
        span = f"bytes {at}-{at + len(piece) - 1}/{total}"
        return self.plain.put(session, content=piece, headers={"Content-Range": span})

    def offset(self, session: str, total: int | str = "*") -> int:
        """Ask how much has arrived."""
        answer = self.plain.put(session, headers={"Content-Range": f"bytes */{total}"})
        assert answer.status_code == RESUME_INCOMPLETE, answer.text
        return next_offset(answer)

    def job(self, job_id: str) -> Any:
        answer = self.get(f"/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait(self, job_id: str, until: Callable[[Any], bool] | Sequence[str], *, timeout_s: float) -> Any:
        """Return the job's status once it is as wanted, or in one of these states. Raises TimeoutError."""
        is_there = until if callable(until) else lambda status: status["state"] in until
        give_up_at = time.monotonic() + timeout_s
        while not is_there(status := self.job(job_id)):
            if time.monotonic() > give_up_at:
                raise TimeoutError(f"still {status}")
            time.sleep(0.1)
        return status

    def download(self, path: str) -> bytes:
        """Return what lies behind a redirect to a signed address."""
        answer = self.get(path)
        assert answer.status_code == 302, answer.text
        data = self.plain.get(answer.headers["Location"])
        assert data.status_code == 200, data.text
        return data.content

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def file_body(file: Path) -> dict[str, Any]:
    """Return how a file is announced."""
    return {
        "name": file.name,
        "size_bytes": file.stat().st_size,
        "content_type": MEDIA_TYPES.get(file.suffix, "application/octet-stream"),
    }


def next_offset(answer: httpx.Response) -> int:
    """Return where an unfinished upload goes on."""
    kept = answer.headers.get("Range")
    return int(kept.rpartition("-")[2]) + 1 if kept else 0


def cut_off(session: str, piece: bytes, *, at: int, total: int, after: int) -> None:
    """Send a part's first bytes and break the connection."""
    there = urlsplit(session)
    with socket.create_connection((there.hostname or "", there.port or 80), timeout=30) as connection:
        path = f"{there.path}?{there.query}" if there.query else there.path
        head = (
            f"PUT {path} HTTP/1.1\r\nHost: {there.netloc}\r\nContent-Length: {len(piece)}\r\n"
            f"Content-Range: bytes {at}-{at + len(piece) - 1}/{total}\r\n\r\n"
        )
        connection.sendall(head.encode() + piece[:after])
        connection.shutdown(socket.SHUT_WR)
        with suppress(OSError):
            connection.recv(4096)  # the server has seen the end before anybody asks how much it kept
