"""The page's rules that need no browser, by Node's own test runner: `*.test.js` in this folder."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
QUIET = "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"  # the page is no package; Node detects its modules


def test_the_pages_rules_hold() -> None:
    node = shutil.which("node")
    if node is None:
        assert not os.environ.get("CI"), "Node is missing"
        pytest.skip("Node is missing")
    files = [path for path in HERE.rglob("*.test.js") if "node_modules" not in path.parts]
    assert len(files) > 3
    ran = subprocess.run([node, QUIET, "--test", *files], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
