"""The timeline in a real browser: what it shows, and what hands, keys and screen readers can do with it."""

import io
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from tests.web.page_browser import chromium
from tests.web.timeline_page import Shown, highlights, served_timeline

pytestmark = pytest.mark.slow
DURATION_S = 60.0
WORDS = [{"text": f"word{n}", "start_s": n * 0.5, "end_s": n * 0.5 + 0.3, "space_before": True} for n in range(10, 60)]
SPANS = ((5.0, 9.0, True), (20.0, 26.0, True), (40.0, 44.0, False))
EMPTY: dict[str, Any] = {
    "durationS": DURATION_S,
    "fps": 25,
    "thumbs": None,
    "motion": None,
    "sound": None,
    "motionSpans": [],
    "speechSpans": [],
    "words": [],
}
FULL = EMPTY | {
    "thumbs": {
        "url": "/thumbs.jpg",
        "everyS": 1.0,
        "count": 60,
        "columns": 10,
        "rows": 6,
        "widthPx": 16,
        "heightPx": 9,
    },
    "motion": {"everyS": 0.25, "threshold": 0.3, "energy": [0.5 if 80 <= n < 112 else 0.0 for n in range(240)]},
    "sound": {"everyS": 0.1, "levelDb": [-20.0] * 600},
    "motionSpans": [[20.4, 25.6], [39.0, 45.0]],
    "speechSpans": [[5.0, 30.0]],
    "words": WORDS,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Timeline:
    """A page with a timeline, 1000 px wide, and what its owner hears of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.scroller = page.locator(".timeline-scroller")

    def state(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.page.evaluate(f"shown.session.state.highlights[{id!r}]")
        return found

    @property
    def order(self) -> list[str]:
        found: list[str] = self.page.evaluate("shown.session.state.order")
        return found

    @property
    def seeks(self) -> list[float]:
        found: list[float] = self.page.evaluate("shown.seeks")
        return found

    @property
    def said(self) -> str:
        self.page.wait_for_timeout(100)
        return self.page.locator("#announcer").text_content() or ""

    def body(self, id: str) -> Locator:
        return self.page.locator(f"[data-id={id}] .timeline-body")

    def edge(self, id: str, which: str) -> Locator:
        return self.page.locator(f"[data-id={id}] .timeline-edge[data-edge={which}]")

    def box(self) -> tuple[float, float, float]:
        box = self.scroller.bounding_box()
        assert box is not None
        return box["x"], box["y"], box["width"]

    def x_of(self, at_s: float) -> float:
        """Return where a time lies while the whole source is in view."""
        left, _, width = self.box()
        return left + at_s / DURATION_S * width

    def grab(self, id: str, which: str) -> float:
        """Press the edge of a selected highlight; returns the pointer's height."""
        box = self.edge(id, which).bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self._grabbed = x
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        return y

    def drag(self, id: str, which: str, by_s: float) -> None:
        """Drag the edge by a time, without letting go."""
        y = self.grab(id, which)
        self.page.mouse.move(self._grabbed + by_s / DURATION_S * self.box()[2], y, steps=4)
        self.page.wait_for_timeout(60)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    with ExitStack() as stack:
        faults: list[str] = []

        def open_timeline(data: dict[str, Any], state: dict[str, Any] | None = None, **how: Any) -> Timeline:
            shown = Shown(data=data, state=state or highlights(*SPANS), thumbs=_thumbs())
            address = stack.enter_context(served_timeline(shown))
            context = stack.enter_context(browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | how))
            page = context.new_page()
            page.on("console", lambda message: faults.append(message.text))
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.goto(address)
            page.locator(".timeline-picture").wait_for()
            page.wait_for_timeout(150)
            return Timeline(page)

        yield open_timeline
        assert faults == []


@pytest.fixture
def timeline(opened: Any) -> Timeline:
    made: Timeline = opened(FULL)
    return made


def test_pressing_the_ruler_goes_to_that_time(timeline: Timeline) -> None:
    _, top, _ = timeline.box()
    timeline.page.mouse.click(timeline.x_of(33.0), top + 8)
    assert timeline.seeks[-1] == pytest.approx(33.0, abs=0.1)


def test_pressing_a_highlight_selects_it_and_goes_to_its_start(timeline: Timeline) -> None:
    timeline.body("h1").click()
    assert timeline.page.evaluate("shown.session.selectedId") == "h1"
    assert timeline.seeks[-1] == 20.0
    assert timeline.page.locator(".timeline-facts").inner_text().startswith("Clip 2")


def test_pressing_twice_or_enter_plays_a_highlight(timeline: Timeline) -> None:
    timeline.body("h1").dblclick()
    timeline.body("h0").focus()
    timeline.page.keyboard.press("Enter")
    assert timeline.page.evaluate("shown.plays") == ["h1", "h0"]


def test_a_dragged_edge_snaps_and_is_one_step_to_undo(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.drag("h1", "end", -0.38)
    tip = timeline.page.locator(".timeline-tip")
    assert timeline.state("h1")["endS"] == pytest.approx(25.6)
    assert tip.inner_text().split() == ["0:25.6", "5.6", "s", "movement"]
    assert timeline.seeks[-1] == pytest.approx(25.6)
    timeline.page.mouse.up()
    timeline.page.mouse.move(5, 5)
    assert tip.is_hidden()
    timeline.page.evaluate("shown.session.undo()")
    assert timeline.state("h1")["endS"] == 26.0
    assert timeline.page.evaluate("shown.session.canUndo") is False


def test_alt_leaves_a_dragged_edge_where_it_is_put(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.page.keyboard.down("Alt")
    timeline.drag("h1", "end", -0.25)
    timeline.page.mouse.up()
    assert timeline.state("h1")["endS"] == pytest.approx(25.75, abs=0.02)


def test_escape_gives_a_drag_up(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.drag("h1", "start", 2.0)
    assert timeline.state("h1")["startS"] > 21.5
    timeline.page.keyboard.press("Escape")
    timeline.page.mouse.move(timeline.x_of(30), 400)
    timeline.page.mouse.up()
    assert timeline.state("h1")["startS"] == 20.0
    assert timeline.page.evaluate("shown.session.canUndo") is False


def test_nothing_plays_while_an_edge_is_dragged_or_stepped(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.drag("h1", "start", 2.0)
    timeline.page.keyboard.press("Escape")
    timeline.page.mouse.up()
    timeline.edge("h1", "start").press("ArrowRight")
    assert len(timeline.seeks) > 2
    assert timeline.page.evaluate("shown.played") == []


def test_letting_alt_go_does_not_end_a_drag(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.page.keyboard.down("Alt")
    timeline.drag("h1", "start", 2.0)
    timeline.page.keyboard.up("Alt")
    timeline.page.mouse.move(timeline.x_of(24.0), 400)
    timeline.page.wait_for_timeout(60)
    timeline.page.keyboard.press("Escape")
    timeline.page.mouse.up()
    assert timeline.state("h1")["startS"] == 20.0


def test_an_edge_is_a_slider_that_arrows_move_from_snap_to_snap(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.session.select('h1')")
    slider = timeline.page.get_by_role("slider", name="Start of the highlight")
    slider.focus()
    timeline.page.keyboard.press("ArrowRight")
    assert timeline.state("h1")["startS"] == pytest.approx(20.35)  # after the word that ends at 20.3
    timeline.page.keyboard.press("ArrowRight")
    assert timeline.state("h1")["startS"] == pytest.approx(20.4)  # movement begins
    timeline.page.keyboard.press("Shift+ArrowLeft")
    assert timeline.state("h1")["startS"] == pytest.approx(20.36)
    timeline.page.wait_for_timeout(60)
    assert slider.get_attribute("aria-valuetext") == "Start 0:20.4, length 5.6 s"
    assert timeline.seeks[-1] == pytest.approx(20.36)
    timeline.page.evaluate("shown.session.undo()")
    assert timeline.state("h1")["startS"] == pytest.approx(20.4)


def test_space_and_o_and_the_button_switch_a_highlight(timeline: Timeline) -> None:
    timeline.body("h2").focus()
    timeline.page.keyboard.press("Space")
    assert timeline.order == ["h0", "h1", "h2"]
    assert timeline.said == "Highlight 3 is in the reel as clip 3."
    timeline.page.keyboard.press("o")
    assert timeline.order == ["h0", "h1"]
    timeline.body("h0").click()
    timeline.page.get_by_role("button", name="Take out of the reel").first.click()
    assert timeline.order == ["h1"]


def test_the_time_under_the_pointer_stays_there_while_the_wheel_zooms(timeline: Timeline) -> None:
    _, top, _ = timeline.box()
    x = timeline.x_of(21.0)
    timeline.page.mouse.move(x, top + 60)
    timeline.page.keyboard.down("Control")
    for _ in range(6):
        timeline.page.mouse.wheel(0, -100)
        timeline.page.wait_for_timeout(40)
    timeline.page.keyboard.up("Control")
    assert timeline.page.evaluate("document.querySelector('.timeline-spacer').offsetWidth") > 3000
    timeline.page.mouse.click(x, top + 8)
    assert timeline.seeks[-1] == pytest.approx(21.0, abs=0.05)


def test_keys_zoom_and_a_highlight_out_of_view_comes_back_with_the_focus(timeline: Timeline) -> None:
    timeline.body("h0").focus()
    for _ in range(6):
        timeline.page.keyboard.press("+")
    timeline.page.keyboard.press("ArrowRight")
    timeline.page.keyboard.press("ArrowRight")
    timeline.page.wait_for_timeout(100)
    left, _, width = timeline.box()
    box = timeline.body("h2").bounding_box()
    assert box is not None
    assert left <= box["x"] < left + width
    assert timeline.page.evaluate("document.activeElement.closest('li').dataset.id") == "h2"
    timeline.page.keyboard.press("0")
    assert timeline.page.evaluate("document.querySelector('.timeline-scroller').scrollLeft") == 0


def test_tab_leads_through_highlights_beyond_the_view(timeline: Timeline) -> None:
    timeline.body("h0").focus()
    for _ in range(9):
        timeline.page.keyboard.press("+")
    for _ in range(2):
        timeline.page.keyboard.press("Tab")
        timeline.page.wait_for_timeout(80)
    assert timeline.page.evaluate("document.activeElement.closest('li')?.dataset.id") == "h2"
    left, _, width = timeline.box()
    box = timeline.body("h2").bounding_box()
    assert box is not None
    assert left - 1 <= box["x"] < left + width


def test_dragging_over_empty_room_adds_a_highlight(timeline: Timeline) -> None:
    row = timeline.body("h1").bounding_box()
    assert row is not None
    y = row["y"] + row["height"] / 2
    timeline.page.mouse.move(timeline.x_of(48.0), y)
    timeline.page.mouse.down()
    timeline.page.mouse.move(timeline.x_of(52.0), y, steps=4)
    timeline.page.mouse.up()
    added = timeline.state("own-1")
    assert (added["startS"], added["endS"]) == pytest.approx((48.0, 52.0), abs=0.1)
    assert timeline.order == ["h0", "h1", "own-1"]
    timeline.page.evaluate("shown.session.undo()")
    assert timeline.order == ["h0", "h1"]


def test_a_highlight_is_added_at_the_playhead_and_taken_away_by_key(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.timeline.setPlayhead(50)")
    timeline.page.get_by_role("button", name="Add highlight here").press("Enter")
    assert (timeline.state("own-1")["startS"], timeline.state("own-1")["endS"]) == (50, 54)
    assert timeline.page.evaluate("document.activeElement.closest('li').dataset.id") == "own-1"
    timeline.page.keyboard.press("Delete")
    assert timeline.page.evaluate("'own-1' in shown.session.state.highlights") is False
    assert timeline.page.evaluate("document.activeElement.closest('li').dataset.id") == "h2"


def test_the_view_goes_along_with_the_playhead(timeline: Timeline) -> None:
    timeline.scroller.focus()
    for _ in range(5):
        timeline.page.keyboard.press("+")
    timeline.page.evaluate("shown.timeline.reveal(0)")
    timeline.page.evaluate("for (let atS = 0; atS < 30; atS += 0.5) shown.timeline.setPlayhead(atS)")
    timeline.page.wait_for_timeout(60)
    left, _, width = timeline.box()
    box = timeline.page.locator(".timeline-playhead").bounding_box()
    assert box is not None
    assert left <= box["x"] <= left + width


def test_screen_readers_hear_a_list_in_the_order_of_time(timeline: Timeline) -> None:
    listed = timeline.page.get_by_role("list", name="Highlights").get_by_role("listitem")
    names = [each.get_by_role("button").first.get_attribute("aria-label") for each in listed.all()]
    assert names == [
        "Highlight 1 of 3, 0:05 to 0:09, in the reel as clip 1, fast movement",
        "Highlight 2 of 3, 0:20 to 0:26, in the reel as clip 2, fast movement",
        "Highlight 3 of 3, 0:40 to 0:44, not in the reel, fast movement",
    ]
    summary = timeline.page.locator(".timeline > .visually-hidden").inner_text()
    assert summary == (
        "The source is 1:00 long. There is movement in 18 % of it. There is speech in 41 % of it. "
        "3 highlights, 2 in the reel of 0:10."
    )


@pytest.mark.parametrize(
    ("data", "heads"),
    [
        (FULL, ["Picture", "Highlights", "Movement", "Words"]),
        (FULL | {"thumbs": None, "motion": None, "motionSpans": []}, ["Highlights", "Words"]),
        (FULL | {"words": [], "speechSpans": [], "sound": None}, ["Picture", "Highlights", "Movement"]),
        (EMPTY, ["Highlights"]),
    ],
    ids=["all", "sound only", "motion only", "nothing"],
)
def test_rows_are_those_the_source_has(opened: Any, data: dict[str, Any], heads: list[str]) -> None:
    timeline: Timeline = opened(data, {"highlights": {}, "order": []})
    assert timeline.page.locator(".timeline-heads span").all_inner_texts() == heads
    rows = timeline.page.evaluate("[...document.querySelectorAll('.timeline-heads span')].map(s => s.offsetHeight)")
    assert sum(rows) + 24 == timeline.page.evaluate("document.querySelector('.timeline-scroller').clientHeight")
    assert "No highlights were found" in timeline.page.locator(".timeline-detail").inner_text()


def test_colours_follow_the_theme(timeline: Timeline) -> None:
    left, top, _ = timeline.box()

    def corner() -> tuple[int, ...]:
        shot = timeline.page.screenshot(clip={"x": left + 3, "y": top + 3, "width": 1, "height": 1})
        return Image.open(io.BytesIO(shot)).convert("RGB").getpixel((0, 0))  # type: ignore[return-value]

    assert corner() == (255, 255, 255)
    timeline.page.evaluate("document.documentElement.dataset.theme = 'dark'")
    timeline.page.wait_for_timeout(150)
    assert max(corner()) < 60


def test_fingers_tap_to_go_and_find_wide_grips(opened: Any) -> None:
    timeline: Timeline = opened(FULL, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    _, top, _ = timeline.box()
    timeline.page.touchscreen.tap(timeline.x_of(33.0), top + 8)
    assert timeline.seeks[-1] == pytest.approx(33.0, abs=0.2)
    timeline.page.touchscreen.tap(timeline.x_of(23.0), top + 24 + 54 + 20)
    timeline.page.wait_for_timeout(100)
    assert timeline.page.evaluate("shown.session.selectedId") == "h1"
    grip = timeline.edge("h1", "end").bounding_box()
    assert grip is not None
    assert grip["width"] >= 40
    assert timeline.page.evaluate("document.documentElement.scrollWidth") == 360


def test_a_finger_drags_an_edge_and_two_look_closer(opened: Any) -> None:
    timeline: Timeline = opened(FULL, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    timeline.page.evaluate("shown.session.select('h1')")
    timeline.page.wait_for_timeout(100)
    grip = timeline.edge("h1", "end").bounding_box()
    assert grip is not None
    fingers = timeline.page.context.new_cdp_session(timeline.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
        timeline.page.wait_for_timeout(40)

    x, y = grip["x"] + 20, grip["y"] + 20
    touch("touchStart", (x, y))
    for step in range(1, 5):
        touch("touchMove", (x + step * 15, y))
    touch("touchEnd")
    moved_s = 60 / timeline.box()[2] * DURATION_S
    assert timeline.state("h1")["endS"] == pytest.approx(26 + moved_s, abs=1.5)  # snaps within 8 px
    left, top, width = timeline.box()
    middle = left + width / 2
    touch("touchStart", (middle - 40, top + 40), (middle + 40, top + 40))
    touch("touchMove", (middle - 120, top + 40), (middle + 120, top + 40))
    touch("touchEnd")
    spacer = timeline.page.evaluate("document.querySelector('.timeline-spacer').offsetWidth")
    assert spacer == pytest.approx(3 * width, rel=0.1)


def test_edges_at_the_ends_of_the_source_can_be_grabbed(opened: Any) -> None:
    timeline: Timeline = opened(FULL, highlights((0.0, 6.0, True), (54.0, 60.0, True), (20.0, 20.5, True)))
    left, _, width = timeline.box()
    for id, which in (("h0", "start"), ("h1", "end")):
        timeline.page.evaluate(f"shown.session.select({id!r})")
        timeline.page.wait_for_timeout(60)
        grip = timeline.edge(id, which).bounding_box()
        assert grip is not None
        assert grip["x"] >= left - 0.5
        assert grip["x"] + grip["width"] <= left + width + 0.5
    timeline.drag("h1", "end", -2.0)
    timeline.page.mouse.up()
    assert timeline.state("h1")["endS"] == pytest.approx(58.0, abs=0.6)


def test_what_cannot_be_changed_can_be_looked_at(opened: Any) -> None:
    timeline: Timeline = opened(FULL | {"isReadOnly": True})
    timeline.body("h1").click()
    assert timeline.seeks[-1] == 20.0
    assert timeline.page.locator(".timeline-edge, .timeline-switch:visible").count() == 0
    assert timeline.page.get_by_role("button", name=re.compile("Add|Take out|Remove")).count() == 0
    for key in ("Space", "o", "Delete"):
        timeline.page.keyboard.press(key)
    assert timeline.order == ["h0", "h1"]


def test_nothing_is_left_when_it_is_taken_away(timeline: Timeline) -> None:
    timeline.page.evaluate("shown.timeline.unmount()")
    timeline.page.evaluate("shown.session.switch('h0', false)")
    assert timeline.page.locator("#root").inner_html() == ""


def _thumbs() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (160, 54), (90, 120, 150)).save(out, "JPEG")
    return out.getvalue()
