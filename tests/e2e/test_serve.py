"""`montage serve` as people start it and end it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.connect import LocalCloud, connect_local
from shared.domain.job import Job
from shared.ports import SignedUpload
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage
from tests.emulators.plain_http import upload

ENDS_WITHIN_S = 5.0


def begun(montage: Montage, *words: str) -> tuple["subprocess.Popen[str]", str]:
    """Return a server on a free port, and its address, once it listens."""
    process = montage.start("serve", "--json", "--port", "0", *words)
    assert process.stdout is not None
    told: dict[str, Any] = json.loads(process.stdout.readline())
    return process, told["url"]


def ended(process: "subprocess.Popen[str]", number: int) -> tuple[int, str]:
    """Return the exit code and what was said of trouble, after a signal."""
    began = time.monotonic()
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert time.monotonic() - began < ENDS_WITHIN_S
    return process.returncode, said


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow)]
)
def test_it_answers_and_ends_when_it_is_told_to(montage: Montage, number: int, code: int) -> None:
    process, url = begun(montage)
    with httpx.Client(base_url=url) as http:  # which keeps its connection
        assert http.get("/v1/health").json() == {"status": "ok"}
        assert http.get("/v1/health", headers={"Host": "evil.example"}).status_code == 421
        port = httpx.URL(url).port
        origin = {"Origin": f"http://localhost:{port}"}
        assert http.get("/v1/health", headers=origin).headers["Access-Control-Allow-Origin"] == origin["Origin"]
        assert ended(process, number) == (code, "")


@pytest.mark.slow
def test_it_ends_though_a_sender_is_in_the_middle_of_a_body(montage: Montage) -> None:
    process, url = begun(montage)
    with socket.create_connection(("127.0.0.1", httpx.URL(url).port or 0)) as sender:
        sender.sendall(b"POST /v1/uploads HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        time.sleep(0.5)
        assert ended(process, signal.SIGTERM)[0] == 0


def test_what_keeps_it_from_listening_is_a_sentence(montage: Montage) -> None:
    refused = montage("serve", "--host", "0.0.0.0", "--port", "0")
    assert (refused.code, refused.out) == (1, "")
    assert "keys create" in refused.err and "[keys_required]" in refused.err


@pytest.mark.slow
def test_it_says_where_the_page_is_and_opens_it(montage: Montage, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = montage.folder / "opened"
    browser = montage.folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    process = montage.start("serve", "--port", "0", "--open")
    assert process.stdout is not None
    said = re.fullmatch(
        r"Open (http://localhost:\d+) in a browser; programs ask below \1/v1 \(Ctrl-C ends it\)\.\n",
        process.stdout.readline(),
    )
    assert said is not None
    with httpx.Client(base_url=said[1]) as http:
        assert http.get("/v1/health").status_code == 200
        assert http.get("/favicon.ico").status_code in (200, 204)
    assert opened.read_text().strip() == said[1]
    assert ended(process, signal.SIGTERM)[0] == 0


def signed(told: dict[str, Any]) -> SignedUpload:
    return SignedUpload(url=told["url"], method=told["method"], headers=told["headers"], expires_at=0.0)


def sent(url: str, film: Path, **options: Any) -> str:
    """Upload a film as any program may, and return its job's id."""
    with httpx.Client(base_url=url, timeout=10) as http:
        file = {"name": film.name, "size_bytes": film.stat().st_size, "content_type": "video/mp4"}
        begun = http.post("/v1/uploads", json={"files": [file], "options": options})
        assert begun.status_code == 201, begun.text
        (told,) = begun.json()["jobs"]
        assert told["upload"]["url"].startswith(f"{url}/objects/")
        upload(http, signed(told["upload"]), film)
        return str(told["job"])


def wait_until(cloud: LocalCloud, job_id: str, holds: Callable[[Job], bool], *, timeout_s: float) -> Job:
    give_up_at = time.monotonic() + timeout_s
    while not holds(job := cloud.jobs.get(job_id)):
        assert time.monotonic() < give_up_at, job
        time.sleep(0.05)
    return job


@pytest.mark.slow
def test_it_ends_while_a_job_runs_and_goes_on_with_it_at_the_next_start(montage: Montage, tmp_path: Path) -> None:
    clip = make_clip(tmp_path, ClipSpec(seconds=60.0, fps=Fraction(10), has_sound=False))
    process, url = begun(montage, "--workers", "1")
    with connect_local(Settings(home=montage.folder / "home")) as cloud:
        job_id = sent(url, clip, mode="motion", chunk_s=20)

        def is_under_way(seen: Job) -> bool:
            return "pose" in seen.stages and bool(cloud.jobs.chunk_summary(job_id, "pose").running)

        wait_until(cloud, job_id, is_under_way, timeout_s=30)
        assert ended(process, signal.SIGTERM)[0] == 0
        left = cloud.jobs.chunk_summary(job_id, "pose")
        assert left.running == left.failed == ()
        process, url = begun(montage)
        done = wait_until(cloud, job_id, lambda seen: seen.is_final, timeout_s=60)
        assert done.state == "done"
        reel = httpx.get(f"{url}/v1/jobs/{job_id}/reel", follow_redirects=True)
        assert reel.status_code == 200 and reel.content[4:8] == b"ftyp"
        assert ended(process, signal.SIGINT)[0] == 130


PUMP_DIES = """
from functions.local import event_pump
from functions.local.cli import main

def step(self):
    raise SystemExit

event_pump.EventPump.step = step
raise SystemExit(main(["serve", "--port", "0"]))
"""


@pytest.mark.slow
def test_it_ends_with_a_sentence_when_nothing_carries_jobs_along_any_more(montage: Montage) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PUMP_DIES], env=montage.environment, capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 1
    assert "Jobs go on when Montage serves again. [pump_ended]" in ended.stderr
