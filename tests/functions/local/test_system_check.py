"""What is said of a machine before anything is installed."""

import subprocess
import sys
from pathlib import Path

import pytest

from functions.local import system_check
from functions.local.system_check import apt_line, main, missing_packages

SCRIPT = Path(system_check.__file__)


@pytest.mark.parametrize(
    ("absent", "packages"),
    [
        ([], []),
        (["libEGL.so.1"], ["libegl1"]),
        (["libGLESv2.so.2"], ["libgles2"]),
        (["libEGL.so.1", "libGLESv2.so.2"], ["libegl1", "libgles2"]),
    ],
)
def test_each_missing_library_names_its_package(absent: list[str], packages: list[str]) -> None:
    def load(library: str) -> object:
        if library in absent:
            raise OSError(f"{library}: cannot open shared object file")
        return object()

    assert missing_packages("linux", load) == packages


def test_only_linux_needs_them() -> None:
    def load(library: str) -> object:
        raise OSError(library)

    assert missing_packages("darwin", load) == []


def test_the_remedy_is_one_line_to_paste(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_check, "missing_packages", lambda: ["libegl1", "libgles2"])
    assert main([]) == 1
    assert capsys.readouterr().err.splitlines()[-1].strip() == "sudo apt-get install -y libegl1 libgles2"
    assert apt_line(["libegl1"]) == "sudo apt-get install -y libegl1"


def test_speech_needs_none_of_them(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_check, "missing_packages", lambda: ["libegl1"])
    assert main(["--speech-only"]) == 0
    assert capsys.readouterr().err == ""


def test_an_old_python_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert main([]) == 1
    assert "3.9" in capsys.readouterr().err


def test_it_runs_as_a_plain_script_without_any_package(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-I", "-S", str(SCRIPT)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == (1 if missing_packages() else 0), done.stderr
