"""The commands on docs/api.md, run as they stand there against a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.emulators.processes import free_port, server

BLOCKS = re.findall(
    r"^```sh\n(.*?)^```$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
def test_the_commands_of_the_page_are_answered(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "MONTAGE_HOME": str(tmp_path / "home"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "uvicorn", "--factory", "functions.api:app", "--port", str(port)]
    first, then = (block.replace("http://localhost:8080", f"http://127.0.0.1:{port}") for block in BLOCKS)
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


def sh(commands: str) -> str:
    said = subprocess.run(["sh", "-e", "-c", commands], capture_output=True, text=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr
    return said.stdout
