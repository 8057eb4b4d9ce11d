"""How smoothly the page's timeline of a two-hour source scrolls and drags, and what memory its page takes.

A made source (720 thumbnails, 57,600 energies, 72,000 sound levels, 20,000 words, 300 highlights) is shown by the
machine's Chromium, headless and without a GPU: everything is drawn and composed by the processor, as on the weakest
machine. Real wheel and mouse events come at 60 Hz. Counted in Chromium's trace: the frames its compositor drew (cc's
DrawFrame) and those in which the page drew itself (FireAnimationFrame); the lower of the two is held to the bound, by
the median of the runs. Memory is the resident set of the page's renderer process, decoded sprite and the shared parts
of Chromium included, the most after any run.
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
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import psutil
from PIL import Image, ImageDraw
from playwright.async_api import Browser, CDPSession, Page, async_playwright

from tests.web.timeline_page import Shown, highlights, served_timeline

DURATION_S = 7200.0
THUMBS, COLUMNS, WIDTH_PX, HEIGHT_PX = 720, 16, 160, 90
ENERGIES, LEVELS, WORDS, HIGHLIGHTS = 57_600, 72_000, 20_000, 300
RUNS, GESTURE_S, INPUT_HZ = 5, 4.0, 60
LEAST_FPS, MOST_MB = 50.0, 300.0
LATE_MS = 20.0
ZOOM_STEPS = 14
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
    with served_timeline(two_hours()) as address:
        figures, most_mb, version = asyncio.run(_measured(address, chromium, runs))
    return 0 if _tell(figures, most_mb, version) else 1


async def _measured(address: str, chromium: str, runs: int) -> tuple[dict[str, list[Smoothness]], float, str]:
    """Return how smooth each run of each gesture was, the most memory in MB, and the browser's version."""
    figures: dict[str, list[Smoothness]] = {"scroll": [], "drag": []}
    most_mb = 0.0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.goto(address)
        await page.locator(".timeline-picture").wait_for()
        await page.wait_for_timeout(1500)  # the sprite is decoded
        for _ in range(runs):
            figures["scroll"].append(await _traced(browser, page, _scroll))
            figures["drag"].append(await _traced(browser, page, _drag))
            most_mb = max(most_mb, _renderer_mb())
        version = browser.version
        await browser.close()
    return figures, most_mb, version


def two_hours() -> Shown:
    """Return a source of two hours in which people move and speak half of the time."""
    chance = random.Random(7)
    beat = [math.sin(n / 90) > 0 for n in range(ENERGIES)]
    energy = [round(chance.random() * 1.5, 3) if moves else 0.0 for moves in beat]
    level_db = [round(-45 + 30 * chance.random() * (math.sin(n / 400) > -0.3), 1) for n in range(LEVELS)]
    every_s = DURATION_S / WORDS
    texts = ("so", "this", "is", "where", "everybody", "begins", "to", "understand", "what", "happened.")
    words = [
        {"text": texts[n % 10], "start_s": round(n * every_s, 3), "end_s": round((n + 0.9) * every_s, 3)}
        for n in range(WORDS)
    ]
    spans = [(n * 24.0 + 3, n * 24.0 + 3 + 4 + 12 * chance.random(), n % 4 == 0) for n in range(HIGHLIGHTS)]
    thumbs = {"url": "/thumbs.jpg", "everyS": 10.0, "count": THUMBS, "columns": COLUMNS, "rows": THUMBS // COLUMNS}
    data = {
        "durationS": DURATION_S,
        "fps": 30,
        "thumbs": {**thumbs, "widthPx": WIDTH_PX, "heightPx": HEIGHT_PX},
        "motion": {"everyS": DURATION_S / ENERGIES, "threshold": 0.35, "energy": energy},
        "sound": {"everyS": DURATION_S / LEVELS, "levelDb": level_db},
        "motionSpans": [[n * 60.0, n * 60.0 + 30] for n in range(120)],
        "speechSpans": [[n * 60.0, n * 60.0 + 50] for n in range(120)],
        "words": [{**word, "space_before": True} for word in words],
    }
    return Shown(data=data, state=highlights(*spans), thumbs=_sprite(chance))


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
    await page.evaluate("shown.timeline.reveal(600)")
    box = await page.locator(".timeline-scroller").bounding_box()
    assert box is not None
    at = {"x": box["x"] + box["width"] / 2, "y": box["y"] + 60}
    await page.mouse.move(at["x"], at["y"])
    await _at_60_hz(hand, lambda n: {"type": "mouseWheel", **at, "deltaX": 60, "deltaY": 0})


async def _drag(page: Page, hand: CDPSession) -> None:
    """Drag an edge of a highlight to and fro, past many words."""
    await page.evaluate("shown.session.select('h100')")
    await page.evaluate("shown.timeline.reveal(shown.session.state.highlights.h100.startS - 3)")
    await page.wait_for_timeout(300)
    edge = await page.locator("[data-selected=true] .timeline-edge[data-edge=start]").bounding_box()
    assert edge is not None
    x, y = edge["x"] + edge["width"] / 2, edge["y"] + edge["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await _at_60_hz(
        hand, lambda n: {"type": "mouseMoved", "x": x + 150 * math.sin(n / 20), "y": y, "button": "left", "buttons": 1}
    )
    await page.mouse.move(x, y)
    await page.mouse.up()


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


def _renderer_mb() -> float:
    """Return the resident memory of our largest renderer process, in MB."""
    children = psutil.Process().children(recursive=True)
    renderers = [each for each in children if "--type=renderer" in each.cmdline()]
    return max(each.memory_info().rss for each in renderers) / 1e6


def _tell(figures: dict[str, list[Smoothness]], most_mb: float, version: str) -> bool:
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
    line |= {"renderer_rss_mb": round(most_mb), "least_fps": LEAST_FPS, "most_mb": MOST_MB}
    is_kept = is_smooth and most_mb < MOST_MB
    print(json.dumps(line | {"ok": is_kept}), flush=True)
    return is_kept


if __name__ == "__main__":
    sys.exit(main())
