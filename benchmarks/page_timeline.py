"""How smoothly the result of a two-hour source scrolls and drags on the page, and what memory its page takes.

The whole page as people have it: a made result (720 thumbnails, 57,600 energies, 72,000 sound levels,
20,000 words, 300 highlights; a source of 640 by 360 that is shown while an edge is dragged) in the machine's Chromium,
headless and without a GPU: everything is drawn, composed and decoded by the processor, as on the weakest machine. Real
wheel and mouse events come at 60 Hz. Counted in Chromium's trace: the frames its compositor drew (cc's DrawFrame) and
those in which the page drew itself (FireAnimationFrame); the lower of the two is held to the bound, by the median of
the runs. Memory is what the page's renderer process has for itself, the decoded sprite and the media that a player
holds included, the most after any run and a collection of garbage: what closing the page gives back. Its resident set,
in which Chromium's own code counts once more for each tab, is told beside it.
"""

import argparse
import asyncio
import io
import json
import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from PIL import Image, ImageDraw
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from shared.domain.object_names import artifact, source
from tests.clips import ClipSpec, make_clip
from tests.long_source import PERIOD_S, make_hour
from tests.web.watched import watched

DURATION_S = 7200.0
THUMBS, COLUMNS, WIDTH_PX, HEIGHT_PX = 720, 16, 160, 90
ENERGIES, LEVELS, WORDS, HIGHLIGHTS = 57_600, 72_000, 20_000, 300
RUNS, GESTURE_S, INPUT_HZ = 5, 4.0, 60
SOURCE = ClipSpec(seconds=PERIOD_S, fps=Fraction(10), size=(640, 360), sound_layout="mono")
LEAST_FPS, MOST_MB = 50.0, 300.0
LATE_MS = 20.0
ZOOM_STEPS = 14
REACH_PX, SPEED_PX = 150, 6
CATEGORIES = ["devtools.timeline", "devtools.timeline.frame", "disabled-by-default-devtools.timeline.frame"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Smoothness:
    """Frames of one gesture."""

    drawn_fps: float
    painted_fps: float
    late_share: float
    """Of the frames drawn, those more than LATE_MS after the one before."""
    inputs_hz: float
    frame_ms: float
    """What the page's own drawing of a frame takes, in the mean."""


def main() -> int:
    """Print the figures; returns 1 when a bound is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page_timeline", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    runs: int = parser.parse_args().runs
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("the browser is missing: sudo apt-get install -y chromium")
    with served_result() as address:
        figures, memory_mb, version = asyncio.run(_measured(address, chromium, runs))
    return 0 if _tell(figures, memory_mb, version) else 1


async def _measured(
    address: str, chromium: str, runs: int
) -> tuple[dict[str, list[Smoothness]], tuple[float, float], str]:
    """Return how smooth each run of each gesture was, the most memory (its own, resident; MB), and whose it is."""
    figures: dict[str, list[Smoothness]] = {"scroll": [], "drag": []}
    most_mb = resident_mb = 0.0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(address)
        await page.locator(".timeline-picture").wait_for()
        await page.locator(".timeline").scroll_into_view_if_needed()
        await page.wait_for_timeout(2500)  # the sprite is decoded, and the reel loaded
        for _ in range(runs):
            figures["scroll"].append(await _traced(browser, page, _scroll))
            figures["drag"].append(await _traced(browser, page, _drag))
            now_mb = await _renderer_mb(page)
            most_mb, resident_mb = max(most_mb, now_mb[0]), max(resident_mb, now_mb[1])
        version = browser.version
        await browser.close()
    return figures, (most_mb, resident_mb), version


@contextmanager
def served_result() -> Iterator[str]:
    """Yield the address of the page that shows a finished job of two hours."""
    with tempfile.TemporaryDirectory() as name, watched(Path(name) / "home") as here:
        folder = Path(name)
        job = here.job("done", "two hours.mp4")
        film = make_hour(folder, spec=SOURCE, periods=round(DURATION_S / PERIOD_S))
        stat = here.cloud.uploads.upload(film, source(job.id))
        made = two_hours() | {"thumbs.jpg": _sprite(random.Random(7))}
        for file_name, content in made.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            here.cloud.downloads.write(artifact(job.id, 1, file_name), data)
        here.cloud.downloads.upload(make_clip(folder, ClipSpec(seconds=8)), artifact(job.id, 1, "reel.mp4"))
        names = {"report": "report.json", "transcript": "transcript.json", "timeline_json": "timeline.json"}
        there = {each: artifact(job.id, 1, path) for each, path in {**names, "thumbs": "thumbs.jpg"}.items()}
        kept = replace(job.source, generation=stat.generation, size_bytes=stat.size_bytes)
        here.cloud.jobs.update(job.id, lambda job: replace(job, source=kept, artifacts={**job.artifacts, **there}))
        yield f"{here.url}/jobs/{job.id}"


def two_hours() -> dict[str, Any]:
    """Return the files of a result of two hours in which people move and speak half of the time."""
    chance = random.Random(7)
    beat = [math.sin(n / 90) > 0 for n in range(ENERGIES)]
    energy = [round(chance.random() * 1.5, 3) if moves else 0.0 for moves in beat]
    level_db = [round(-45 + 30 * chance.random() * (math.sin(n / 400) > -0.3), 1) for n in range(LEVELS)]
    every_s = DURATION_S / WORDS
    texts = ("so", "this", "is", "where", "everybody", "begins", "to", "understand", "what", "happened.")
    words = [
        {
            "text": texts[n % 10],
            "start_s": round(n * every_s, 3),
            "end_s": round((n + 0.9) * every_s, 3),
            "confidence": 0.9,
            "space_before": True,
        }
        for n in range(WORDS)
    ]
    segments = [
        {"start_s": first["start_s"], "end_s": last["end_s"], "text": " ".join(texts)}
        for first, last in zip(words[::10], words[9::10], strict=True)
    ]
    highlights = [_highlight(n * 24.0 + 3, 4 + 12 * chance.random(), is_on=n % 4 == 0) for n in range(HIGHLIGHTS)]
    clips = [
        {**{name: each[name] for name in ("score", "reasons")}, "wanted": span, "actual": span}
        for each in highlights
        if each["chosen"]
        for span in [[each["start_s"], each["end_s"]]]
    ]
    return {
        "report.json": {
            "schema_version": 1,
            "revision": 1,
            "source": {
                **{"name": "two hours.mp4", "duration_s": DURATION_S, "width": 640, "height": 360, "fps": "10/1"},
                **{"container": "mp4", "codec": "h264", "audio": []},
            },
            "motion": [[n * 60.0, n * 60.0 + 30] for n in range(120)],
            "speech": [[n * 60.0, n * 60.0 + 50] for n in range(120)],
            "highlights": highlights,
            "edit_list": {
                "render": "encode",
                "why_not_copied": None,
                "join": {"kind": "cut", "duration_s": 0.0},
                "duration_s": sum(end_s - start_s for start_s, end_s in (each["wanted"] for each in clips)),
                "clips": clips,
            },
            "warnings": [],
        },
        "transcript.json": {"schema_version": 1, "language": "en", "words": words, "segments": segments},
        "timeline.json": {
            "schema_version": 1,
            "duration_s": DURATION_S,
            "thumbs": {
                **{"every_s": 10.0, "count": THUMBS, "columns": COLUMNS, "rows": THUMBS // COLUMNS},
                **{"width_px": WIDTH_PX, "height_px": HEIGHT_PX},
            },
            "motion": {"every_s": DURATION_S / ENERGIES, "threshold": 0.35, "energy": energy},
            "sound": {"every_s": DURATION_S / LEVELS, "level_db": level_db},
        },
    }


def _highlight(start_s: float, length_s: float, *, is_on: bool) -> dict[str, Any]:
    end_s = round(start_s + length_s, 3)
    return {"start_s": start_s, "end_s": end_s, "score": 0.5, "reasons": ["fast movement"], "chosen": is_on}


def _sprite(chance: random.Random) -> bytes:
    """Return thumbnails that are hard to compress, so that they decode no faster than real ones."""
    sheet = Image.effect_noise((COLUMNS * WIDTH_PX, THUMBS // COLUMNS * HEIGHT_PX), 60).convert("RGB")
    draw = ImageDraw.Draw(sheet)
    for n in range(THUMBS):
        x, y = n % COLUMNS * WIDTH_PX, n // COLUMNS * HEIGHT_PX
        colour = (chance.randrange(256), chance.randrange(256), chance.randrange(256))
        draw.ellipse((x + 40, y + 10, x + 120, y + 80), fill=colour)
    out = io.BytesIO()
    sheet.save(out, "JPEG", quality=80)
    return out.getvalue()


async def _scroll(page: Page, hand: CDPSession) -> None:
    """Scroll through the source, zoomed in so far that words can be read."""
    await _go_to(page, 600.0)
    box = await page.locator(".timeline-scroller").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 60}
    await page.mouse.move(at["x"], at["y"])
    await _at_60_hz(hand, lambda n: {"type": "mouseWheel", **at, "deltaX": 60, "deltaY": 0})


async def _drag(page: Page, hand: CDPSession) -> None:
    """Drag an edge of a highlight to and fro, past many words."""
    await _go_to(page, 24.0 * 100)
    await page.locator(".timeline-body[aria-label^='Highlight 101 of']").click()
    await page.wait_for_timeout(300)
    await page.wait_for_timeout(500)
    await page.evaluate("() => document.querySelectorAll('video').forEach((each) => each.pause())")
    await page.wait_for_timeout(300)
    edge = await page.locator("[data-selected=true] .timeline-edge[data-edge=start]").bounding_box()
    assert edge is not None
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    held = {"type": "mouseMoved", "y": y, "button": "left", "buttons": 1}
    await _at_60_hz(hand, lambda n: held | {"x": x + _to_and_fro(n)})
    await page.mouse.move(x, y)
    await page.mouse.up()


async def _go_to(page: Page, at_s: float) -> None:
    """Scroll so that a time of the source is near the left of the view."""
    share = at_s / DURATION_S
    await page.locator(".timeline-scroller").evaluate(f"each => {{ each.scrollLeft = each.scrollWidth * {share}; }}")
    await page.wait_for_timeout(300)


def _to_and_fro(n: int) -> float:
    """Return how far the hand is at its nth move, in px: at an even pace, since moves by nothing are no events."""
    return abs(n * SPEED_PX % (4 * REACH_PX) - 2 * REACH_PX) - REACH_PX


async def _at_60_hz(hand: CDPSession, event: Callable[[int], dict[str, Any]]) -> None:
    """Send events at the pace of a mouse, whether or not the page has dealt with those before."""
    began = time.perf_counter()
    sent = []
    for n in range(int(GESTURE_S * INPUT_HZ)):
        await asyncio.sleep(max(0.0, began + n / INPUT_HZ - time.perf_counter()))
        sent.append(asyncio.create_task(hand.send("Input.dispatchMouseEvent", event(n))))
    await asyncio.gather(*sent)


async def _traced(browser: Browser, page: Page, gesture: Callable[[Page, CDPSession], Awaitable[None]]) -> Smoothness:
    """Do it in a page zoomed in as people do, and return how the frames followed each other."""
    await page.locator(".timeline-scroller").focus()
    for key in ["0", *["+"] * ZOOM_STEPS]:
        await page.keyboard.press(key)
    await page.wait_for_timeout(300)
    await page.evaluate("() => document.querySelectorAll('video').forEach((each) => each.pause())")
    hand = await page.context.new_cdp_session(page)
    await browser.start_tracing(page=page, categories=CATEGORIES)
    await gesture(page, hand)
    events: list[dict[str, Any]] = json.loads(await browser.stop_tracing())["traceEvents"]
    await hand.detach()
    return _smoothness(events)


def _smoothness(events: Sequence[dict[str, Any]]) -> Smoothness:
    inputs_ms = [each["ts"] / 1000 for each in events if each["name"] == "EventDispatch" and _is_input(each)]
    begin_ms, end_ms = inputs_ms[0], inputs_ms[-1]
    drawn = _times_ms(events, "DrawFrame", begin_ms, end_ms)
    painted = _times_ms(events, "FireAnimationFrame", begin_ms, end_ms)
    gaps = [after - before for before, after in pairwise(drawn)]
    span_s = (end_ms - begin_ms) / 1000
    return Smoothness(
        drawn_fps=len(drawn) / span_s,
        painted_fps=len(painted) / span_s,
        inputs_hz=len(inputs_ms) / span_s,
        frame_ms=statistics.fmean(
            each["dur"] / 1000 for each in events if each["name"] == "FireAnimationFrame" and "dur" in each
        ),
        late_share=sum(gap > LATE_MS for gap in gaps) / len(gaps),
    )


def _is_input(event: dict[str, Any]) -> bool:
    return event.get("args", {}).get("data", {}).get("type") in ("wheel", "pointermove")


def _times_ms(events: Sequence[dict[str, Any]], name: str, begin_ms: float, end_ms: float) -> list[float]:
    """Return when it happened; what happens within the same quarter of a frame counts once."""
    times = sorted(each["ts"] / 1000 for each in events if each["name"] == name)
    apart: list[float] = []
    for at_ms in times:
        if begin_ms <= at_ms <= end_ms and (not apart or at_ms - apart[-1] > 4):
            apart.append(at_ms)
    return apart


async def _renderer_mb(page: Page) -> tuple[float, float]:
    """Return the memory of its own and the resident memory of our largest renderer process, in MB."""
    hand = await page.context.new_cdp_session(page)
    await hand.send("HeapProfiler.collectGarbage")  # what waits to be thrown away is not held
    await hand.detach()
    await page.wait_for_timeout(1000)
    children = psutil.Process().children(recursive=True)
    renderers = [each for each in children if "--type=renderer" in each.cmdline()]
    largest = max((each.memory_full_info() for each in renderers), key=lambda each: float(each.rss))
    return largest.uss / 1e6, largest.rss / 1e6


def _tell(figures: dict[str, list[Smoothness]], memory_mb: tuple[float, float], version: str) -> bool:
    """Print one line; returns whether all bounds are kept."""
    line: dict[str, Any] = {"chromium": version, "gpu": False, "runs": len(figures["scroll"])}
    line["load"] = round(os.getloadavg()[0], 1)
    is_smooth = True
    for gesture, runs in figures.items():
        drawn, painted = (
            statistics.median(getattr(each, name) for each in runs) for name in ("drawn_fps", "painted_fps")
        )
        late, inputs, frame_ms = (
            statistics.median(getattr(each, name) for each in runs) for name in ("late_share", "inputs_hz", "frame_ms")
        )
        line |= {f"{gesture}_fps": round(drawn, 1), f"{gesture}_painted_fps": round(painted, 1)}
        line |= {f"{gesture}_late_share": round(late, 3), f"{gesture}_inputs_hz": round(inputs, 1)}
        line |= {f"{gesture}_frame_ms": round(frame_ms, 2)}
        is_smooth = is_smooth and min(drawn, painted) >= LEAST_FPS
    most_mb, resident_mb = memory_mb
    line |= {
        "renderer_mb": round(most_mb),
        "renderer_rss_mb": round(resident_mb),
        "least_fps": LEAST_FPS,
        "most_mb": MOST_MB,
    }
    is_kept = is_smooth and most_mb < MOST_MB
    print(json.dumps(line | {"ok": is_kept}), flush=True)
    return is_kept


if __name__ == "__main__":
    sys.exit(main())
