"""The findings, and that a healthy machine gets no advice."""

import socket
import threading
from pathlib import Path

import pytest

from functions.local.doctor import (
    GIB,
    Finding,
    _who_listens,
    diagnose,
    disk_finding,
    libraries_finding,
    memory_finding,
    model_finding,
    port_finding,
    python_finding,
)
from shared.models.manifest import read_manifest

POSE = read_manifest()["pose_landmarker_full"]


def test_every_bad_finding_says_how_to_mend_it_and_no_good_one_does() -> None:
    home = Path("home")
    bad = [
        python_finding((3, 10, 12)),
        libraries_finding(["libegl1"]),
        disk_finding(home, GIB),
        memory_finding(GIB),
        model_finding(POSE, cached=False),
    ]
    good = [
        python_finding((3, 11, 0)),
        libraries_finding([]),
        disk_finding(home, 20 * GIB),
        memory_finding(8 * GIB),
        model_finding(POSE, cached=True),
    ]
    assert [finding.ok for finding in bad] == [False] * 5
    assert all(finding.mend for finding in bad)
    assert [(finding.ok, finding.mend) for finding in good] == [(True, None)] * 5


def test_the_library_advice_is_the_apt_line() -> None:
    finding = libraries_finding(["libegl1", "libgles2"])
    assert finding.mend == "sudo apt-get install -y libegl1 libgles2"
    assert "--mode speech works" in finding.detail


@pytest.mark.parametrize(
    ("driver", "told"), [("echo 'GeForce RTX 4070'", "GeForce RTX 4070; not used yet"), ("exit 9", "none seen")]
)
def test_a_gpu_is_named_and_none_is_missed(
    driver: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\n{driver}\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = [each for each in diagnose(home=tmp_path, cache_dir=tmp_path) if each.name == "gpu"]
    assert finding.ok
    assert told in finding.detail


def test_amounts_are_told_in_gib() -> None:
    assert disk_finding(Path("reels"), 3 * GIB // 2).detail == "1.5 GiB free for reels"


def test_a_model_counts_as_cached_only_with_the_right_bytes(tmp_path: Path) -> None:
    def found() -> Finding:
        (finding,) = [each for each in diagnose(home=tmp_path, cache_dir=tmp_path) if POSE.name in each.name]
        return finding

    assert not found().ok
    (tmp_path / POSE.path).write_bytes(bytes(POSE.size_bytes))
    assert not found().ok


def test_a_home_that_is_not_made_yet_is_measured_where_it_would_lie(tmp_path: Path) -> None:
    findings = {each.name: each for each in diagnose(home=tmp_path / "not" / "yet", cache_dir=tmp_path)}
    assert "free for" in findings["disk"].detail
    assert not (tmp_path / "not").exists()
    assert list(findings)[:7] == ["python", "system libraries", "disk", "memory", "cores", "gpu", "port 8080"]


def test_it_is_said_who_listens_where_the_api_would_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        answer = threading.Thread(target=_answer_once, args=(listener, b'{"status":"ok"}'))
        answer.start()
        assert _who_listens(port) == "montage"
        answer.join()
        answer = threading.Thread(target=_answer_once, args=(listener, b"It works!"))
        answer.start()
        assert _who_listens(port) == "other"
        answer.join()
    assert _who_listens(port) is None
    assert all(port_finding(each).ok for each in (None, "montage", "other"))


def _answer_once(listener: socket.socket, body: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
