"""The benchmark's own server process, which also can be killed: what arrived before goes on in the next one."""

from pathlib import Path

import httpx
import pytest

from benchmarks.uploads import MIB, MOST_RSS_BYTES, measured, server, summary
from shared.connect import connect_local, connect_signers
from tests.contracts.url_signer import BODY, QUANTUM
from tests.functions.local.test_upload_protocol import opened

NAME = f"uploads/{'a' * 26}/source"


@pytest.mark.slow
def test_an_upload_goes_on_after_its_server_was_killed(tmp_path: Path) -> None:
    with httpx.Client(timeout=20, verify=False) as http:
        with server(tmp_path) as (settings, process):
            upload = connect_signers(settings).uploads.resumable_upload(
                NAME, content_type="video/mp4", max_bytes=len(BODY), expires_s=60
            )
            session = http.post(upload.url, headers=dict(upload.headers)).headers["Location"]
            with opened(session, BODY[: 2 * QUANTUM + 99], f"bytes 0-{len(BODY) - 1}/{len(BODY)}"):
                while "Range" not in http.put(session, headers={"Content-Range": "bytes */*"}).headers:
                    pass
                process.kill()
                process.wait(10)
        with server(tmp_path) as (after, _):
            session = session.replace(settings.public_url, after.public_url)
            said = http.put(session, headers={"Content-Range": "bytes */*"})
            assert said.status_code == 308
            stored = int(said.headers["Range"].removeprefix("bytes=0-")) + 1
            assert stored in (QUANTUM, 2 * QUANTUM)
            rest = {"Content-Range": f"bytes {stored}-{len(BODY) - 1}/{len(BODY)}"}
            assert http.put(session, content=BODY[stored:], headers=rest).status_code == 200
            with connect_local(after) as cloud:
                assert cloud.uploads.read(NAME) == BODY


@pytest.mark.slow
def test_a_small_round_measures_what_a_large_one_would(tmp_path: Path) -> None:
    figures = measured(tmp_path, 5 * MIB + 7, 2 * MIB)
    assert 0 < figures["server_peak_mib"] * MIB < MOST_RSS_BYTES
    assert figures["by_parts_s"] > 0 and figures["whole_s"] > 0
    assert "upload in parts of 2 MiB" in summary(figures)
    assert list((tmp_path / "home" / "objects" / "uploads" / ".store" / "uploads").iterdir()) == []
