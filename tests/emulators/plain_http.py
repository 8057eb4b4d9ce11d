"""Uploads and downloads by signed addresses as any program makes them: plain HTTP and nothing of ours or Google's."""

from collections.abc import Callable
from pathlib import Path

import httpx

from shared.ports import SignedUpload

CHUNK_BYTES = 8 * 1024**2  # a multiple of 256 KiB, as resumable uploads ask for
RESUME_INCOMPLETE = 308


def upload(
    http: httpx.Client,
    signed: SignedUpload,
    path: Path,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    on_progress: Callable[[int, int], None] = lambda sent, total: None,
) -> None:
    """Send a file in chunks by the resumable upload that `signed` begins. Raises httpx.HTTPError."""
    begun = http.request(signed.method, signed.url, headers=dict(signed.headers))
    begun.raise_for_status()
    session, total, sent = begun.headers["Location"], path.stat().st_size, 0
    with path.open("rb") as file:
        while True:
            piece = file.read(chunk_bytes)
            span = f"{sent}-{sent + len(piece) - 1}" if piece else "*"
            answer = http.put(session, content=piece, headers={"Content-Range": f"bytes {span}/{total}"})
            sent += len(piece)
            on_progress(sent, total)
            if sent == total:
                answer.raise_for_status()
                return
            if answer.status_code != RESUME_INCOMPLETE:
                raise httpx.HTTPStatusError(
                    f"chunk up to byte {sent} was answered {answer.status_code}",
                    request=answer.request,
                    response=answer,
                )


def download(http: httpx.Client, url: str, path: Path) -> None:
    """Save what lies at a signed address. Raises httpx.HTTPError."""
    with http.stream("GET", url) as answer:
        answer.raise_for_status()
        with path.open("wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
