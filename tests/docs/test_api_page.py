"""docs/api.md and what README.md says of the API: code is run as it stands there, tables are held to the code."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from functions.local.object_routes import STATUS as OF_ADDRESSES
from functions.v1.app import CODES
from functions.v1.documented import SENTENCES
from functions.v1.problems import STATUS_OF_CODE
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.conftest import ROOT
from tests.emulators.processes import free_port, server

HERE = "http://localhost:8080"
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(?:sh|python) (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SECTIONS = {part.partition("\n")[0]: part for part in PAGE.split("\n## ")}
ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \|", re.MULTILINE)
OF_JOBS = {"no_video_stream"}
"""Stands in the OpenAPI document for whatever a job may have failed with."""
BESIDE_STATUS = {
    "bad_signature", "wrong_type", "wrong_header", "unknown_bucket", "unknown_upload", "too_large", "disk_full"
}  # fmt: skip
"""Answered to signed addresses with the status that the error's family has."""

needs_curl = pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="there is no curl or no jq")


@needs_curl
def test_the_commands_of_the_page_are_answered(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "MONTAGE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "uvicorn", "--factory", "functions.api:app", "--port", str(port)]
    first, then = (BLOCKS[name].replace(HERE, f"http://127.0.0.1:{port}") for name in ("announce", "operations"))
    with server(command, log=tmp_path / "server.log", port=port, environment=environment):
        announced = sh(first).splitlines()[-1]
        told = json.loads(announced[announced.index("{", 1) :] if announced.count("}{") else announced)
        job, batch = told["jobs"][0]["job"], told["batch"]
        api = first.splitlines()[0]
        answers = sh(f"{api}\nJOB={job}\nBATCH={batch}\n{then}")
    assert answers.count(f'"id":"{job}"') >= 4  # the list, the batch, the job, cancelled, erased
    codes = re.findall(r'"code":"([a-z_]+)"', answers)
    assert codes == ["unknown_artifact", "not_failed", "not_done"]
    assert 'etag: "r1"' in answers.lower()


@pytest.mark.slow
def test_the_python_of_the_page_goes_on_after_a_break_and_brings_the_reel(tmp_path: Path) -> None:
    film = clip(tmp_path)
    script = tmp_path / "client.py"
    script.write_text(BLOCKS["client"].replace("8 * 1024**2", "256 * 1024"), encoding="utf-8")
    assert film.stat().st_size > 2 * 256 * 1024
    with breaking_once(after_bytes=400_000) as between, montage(tmp_path, public_port=between.port) as url:
        between.leads_to = int(url.rpartition(":")[2])
        said = subprocess.run(
            [sys.executable, script, film],
            cwd=tmp_path,
            env={**os.environ, "MONTAGE_API": url},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert between.has_broken
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "reel.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.slow
@needs_curl
def test_the_commands_of_the_readme_bring_a_reel(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = (
        each for each in re.findall(r"^```sh\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL) if f"API={HERE}" in each
    )
    clip(tmp_path)
    with montage(tmp_path) as url:
        sh(block.replace(HERE, url), cwd=tmp_path)
    assert (tmp_path / "reel.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_page_has_every_code_with_its_status() -> None:
    documented = {code: status for code, (status, _) in SENTENCES.items() if code not in OF_JOBS}
    paths = {code: status for status, code in CODES.items()}
    ours, addresses = SECTIONS["What goes wrong"].split("\nSigned addresses ")
    assert codes_of(ours) == {**documented, **paths}
    assert codes_of(addresses).keys() == OF_ADDRESSES.keys() | BESIDE_STATUS
    assert {code: codes_of(addresses)[code] for code in OF_ADDRESSES} == OF_ADDRESSES
    assert {code: status for code, status in codes_of(ours).items() if code in STATUS_OF_CODE} == STATUS_OF_CODE


def test_the_page_has_settings_that_exist_with_their_defaults() -> None:
    rows = re.findall(r"^\| `MONTAGE_(\w+)` \| *([^|]*?) *\|", SECTIONS["Settings"], re.MULTILINE)
    assert len(rows) >= 11
    for name, default in rows:
        field = Settings.model_fields[name.lower()]
        if default.isdecimal():
            assert float(default) == field.default, name


def codes_of(text: str) -> dict[str, int]:
    return {code: int(status) for status, codes in ROW.findall(text) for code in re.findall(r"`(\w+)`", codes)}


def clip(folder: Path) -> Path:
    """Return a film of some parts in which nobody is, called as the pages call theirs."""
    made = make_clip(folder, ClipSpec(seconds=4, suffix=".mov", sound_codec="pcm_s16le"))
    return made.rename(folder / "ride.mp4")


@contextmanager
def montage(folder: Path, *, public_port: int | None = None) -> Iterator[str]:
    """Yield the address of `montage serve`, whose signed addresses lead to the other port."""
    port = free_port()
    public_url = f"http://127.0.0.1:{public_port or port}"
    environment = {"MONTAGE_HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "MONTAGE_PUBLIC_URL": public_url}
    command = [sys.executable, "-m", "functions.local.montage", "serve", "--port", str(port)]
    with server(command, log=folder / "server.log", port=port, environment=environment):
        yield f"http://127.0.0.1:{port}"


class Between:
    """Carries bytes between its own port and another one, and breaks a connection off once."""

    def __init__(self, listener: socket.socket, *, after_bytes: int) -> None:
        self._listener = listener
        self._left_bytes = after_bytes
        self.port: int = listener.getsockname()[1]
        self.leads_to = 0
        self.has_broken = False

    def run(self) -> None:
        with suppress(OSError):  # until the listener is closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self.leads_to))
                for source, sink, counts in ((near, far, True), (far, near, False)):
                    threading.Thread(target=self._carry, args=(source, sink, counts), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._left_bytes -= len(data) if counts else 0
                if self._left_bytes < 0 and not self.has_broken:
                    self.has_broken = True
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def breaking_once(*, after_bytes: int) -> Iterator[Between]:
    """Yield what breaks a connection after so many bytes that were sent over all of them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        between = Between(listener, after_bytes=after_bytes)
        thread = threading.Thread(target=between.run, daemon=True)
        thread.start()
        yield between
        listener.shutdown(socket.SHUT_RDWR)  # which wakes whoever waits for a connection
        thread.join(5)


def sh(commands: str, *, cwd: Path | None = None) -> str:
    said = subprocess.run(
        ["sh", "-e", "-c", commands], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert said.returncode == 0, said.stderr
    return said.stdout
