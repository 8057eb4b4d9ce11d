"""The locks: one version of each package everywhere, hashes on every line, no contrib OpenCV, no registry's address."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LOCKS = ["requirements.txt", "functions/requirements.txt", "jobs/requirements.txt", "tests/requirements.txt"]
ASIDE = "benchmarks/moviepy/requirements.txt"  # of an environment of its own
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9._-]*)==(?P<version>[^ ]+)(?: ; [^\\]+)?$")
HASH = re.compile(r"^--hash=sha256:[0-9a-f]{64}$")


def entries(lock: str) -> list[list[str]]:
    """Return the lock's logical lines, each split where a backslash continued it."""
    text = (ROOT / lock).read_text("utf-8")
    code = "\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [re.split(r"\s*\\\n\s*", line) for line in re.split(r"(?<!\\)\n", code)]


def pins(lock: str) -> dict[str, str]:
    """Return the version of each package; a lock that names one twice fails."""
    matches = [PIN.match(entry[0]) for entry in entries(lock)]
    assert all(matches), [entry[0] for entry, match in zip(entries(lock), matches, strict=True) if not match]
    found = [(match["name"], match["version"]) for match in matches if match]
    assert len(dict(found)) == len(found), f"{lock} names a package twice"
    return dict(found)


@pytest.mark.parametrize("lock", [*LOCKS, ASIDE])
def test_every_entry_is_an_exact_version_with_its_hashes(lock: str) -> None:
    assert len(pins(lock)) > (5 if lock == ASIDE else 20)
    for entry in entries(lock):
        assert len(entry) > 1, f"{entry[0]} has no hash"
        assert all(HASH.match(each) for each in entry[1:]), entry


@pytest.mark.parametrize("lock", [*LOCKS, ASIDE])
def test_no_address_and_no_option_is_written(lock: str) -> None:
    text = (ROOT / lock).read_text("utf-8")
    assert not re.findall(r"://|^\s*-(?!-hash=)[-a-z]+|file:|@ ", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_package_has_one_version_in_all_locks(lock: str) -> None:
    largest = pins("tests/requirements.txt")
    assert {name: largest.get(name) for name in pins(lock)} == pins(lock)


@pytest.mark.parametrize("lock", LOCKS)
def test_one_package_at_most_owns_cv2(lock: str) -> None:
    owners = [name for name in pins(lock) if name.startswith("opencv-")]
    assert owners == ([] if lock.startswith("functions") else ["opencv-python-headless"])


def test_functions_carry_no_model_runtime_and_one_machine_no_google_client() -> None:
    assert not {"mediapipe", "faster-whisper", "ctranslate2", "onnxruntime", "numpy"} & pins(LOCKS[1]).keys()
    assert not [name for name in pins(LOCKS[0]) if name.startswith("google-")]
