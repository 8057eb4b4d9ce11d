"""What must be on the machine before any package is: run as a plain script, by any Python, with nothing installed."""

# A Python too old for these annotations must get as far as the sentence about it.
from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable

OLDEST_PYTHON = (3, 11)
WITHOUT_THEM = "Movement cannot be looked for here; speech can: add ARGS='--mode speech'."
LINUX_LIBRARIES = {"libEGL.so.1": "libegl1", "libGLESv2.so.2": "libgles2"}  # what MediaPipe's library is linked against


def missing_packages(platform: str = sys.platform, load: Callable[[str], object] = ctypes.CDLL) -> list[str]:
    """Return the Debian packages of the system libraries MediaPipe needs and this machine cannot load."""
    if not platform.startswith("linux"):
        return []
    return [package for library, package in LINUX_LIBRARIES.items() if not _loads(library, load)]


def apt_line(packages: list[str]) -> str:
    """Return the command that installs these packages."""
    return "sudo apt-get install -y " + " ".join(packages)


def main(arguments: list[str] | None = None) -> int:
    """Say what is missing, on stderr; 0 when nothing is, else 1. With --speech-only MediaPipe's needs do not count."""
    if sys.version_info < OLDEST_PYTHON:
        sys.stderr.write("Montage needs Python 3.11 or later; {} is {}.{}.\n".format(sys.executable, *sys.version_info))
        return 1
    is_speech_only = "--speech-only" in (sys.argv[1:] if arguments is None else arguments)
    missing = [] if is_speech_only else missing_packages()
    if missing:
        sys.stderr.write(
            f"{WITHOUT_THEM}\nMediaPipe needs system libraries that are missing here; install them:\n"
            f"  {apt_line(missing)}\n"
        )
    return 1 if missing else 0


def _loads(library: str, load: Callable[[str], object]) -> bool:
    try:
        load(library)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
