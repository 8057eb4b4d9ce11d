"""The secret of one machine, made when it is first needed and kept."""

import contextlib
import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def kept_server_key(path: Path) -> bytes:
    """Return the key in the file; the first of many processes that ask makes it. Only its user can read it."""
    with contextlib.suppress(FileNotFoundError):
        return path.read_bytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    new_path = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    fd = os.open(new_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with open(fd, "wb") as file:
            file.write(secrets.token_hex(KEY_BYTES).encode())
            file.flush()
            os.fsync(fd)
        with contextlib.suppress(FileExistsError):
            os.link(new_path, path)  # whole, or not at all, and never over another's
    finally:
        new_path.unlink()
    return path.read_bytes()
