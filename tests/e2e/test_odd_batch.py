"""All odd files and all names a file system takes, in one batch: outcomes as promised, in bounded time and memory."""

import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.clips import ClipSpec, make_clip
from tests.e2e.conftest import Montage
from tests.e2e.test_command import HOSTILE

EXPECTED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "odd_expected.json").read_text(encoding="utf-8")
)
BATCH_S = 300.0  # for 32 reels and 12 refusals; 100 s on two idle cores
MEMORY_BYTES = 4 * 2**30
NOT_ABOUT_THE_FILE = ("nothing_found", "loudness_skipped")  # that depends on how long and loud its reel is


@contextmanager
def most_memory_of(pid: int) -> Iterator[list[int]]:
    """Measure, several times a second, what a process and all below it hold together; the largest is the peak."""
    held = [0]
    is_over = threading.Event()

    def measure() -> None:
        while not is_over.wait(0.2):
            held.append(_held_bytes(pid))

    thread = threading.Thread(target=measure)
    thread.start()
    try:
        yield held
    finally:
        is_over.set()
        thread.join()


def _held_bytes(pid: int) -> int:
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return 0
    for process in family:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def outcome_of(one: dict[str, Any]) -> dict[str, str | None]:
    if one["error"]:
        return {"outcome": "error", "code": one["error"]["code"]}
    report = json.loads(Path(one["outputs"]["report"]).read_text(encoding="utf-8"))
    codes = [each["code"] for each in report["warnings"] if each["code"] not in NOT_ABOUT_THE_FILE]
    frame_s = 1 / Fraction(report["source"]["fps"] or 48_000)
    assert report["edit_list"]["duration_s"] <= report["source"]["duration_s"] + frame_s
    return {"outcome": "ok_with_warning" if codes else "ok", "code": codes[0] if codes else None}


@pytest.mark.slow
@pytest.mark.timeout(BATCH_S + 60)
def test_one_batch_of_everything_odd(montage: Montage, media_file: Callable[[str], Path], tmp_path: Path) -> None:
    odd = {name: media_file(f"odd/{name}") for name in sorted(EXPECTED)}
    short = make_clip(tmp_path, ClipSpec(seconds=1.0, fps=Fraction(10)))
    for name in HOSTILE:
        shutil.copy(short, montage.folder / name)
    (montage.folder / "folder.mp4").mkdir()
    refused = ["folder.mp4", "x" * 300 + ".mp4"]
    process = montage.start("run", "--json", "--quiet", "--", *odd.values(), *HOSTILE, *refused)
    began_s = time.monotonic()
    with most_memory_of(process.pid) as held:
        out, err = process.communicate(timeout=BATCH_S)
    took_s = time.monotonic() - began_s
    print(f"{took_s:.0f} s, {max(held) / 2**20:.0f} MiB at most")
    assert process.returncode == 2, err
    assert "Traceback" not in err
    ended = json.loads(out)
    assert len(ended) == len(odd) + len(HOSTILE) + len(refused)
    found = {name: outcome_of(one) for name, one in zip(odd, ended, strict=False)}
    wanted = {name: want.get("auto", want) for name, want in EXPECTED.items()}  # sound alone is enough for auto
    assert found == {name: {key: want[key] for key in ("outcome", "code")} for name, want in wanted.items()}
    named = ended[len(odd) :]
    assert [one["error"] and one["error"]["code"] for one in named] == [None] * len(HOSTILE) + [
        "not_a_file",
        "cannot_read",
    ]
    reels = [one["outputs"]["reel"] for one in ended if not one["error"]]
    assert len(set(reels)) == len(reels)
    assert all(Path(reel).is_file() for reel in reels)
    for one in ended:
        if one["error"]:
            message = one["error"]["message"]
            assert message.count("\n") == 0
            assert message.endswith(".")
    assert not montage.tasks(), "a task was left behind"
    logs = "".join(path.read_text(errors="replace") for path in (montage.folder / "home").rglob("*.log"))
    assert "Traceback" not in logs
    assert max(held) < MEMORY_BYTES
