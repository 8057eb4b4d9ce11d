"""What holds in every state of the page, light and dark, on a desk, on a phone and on a narrow one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.web.page_browser import DESKTOP, NARROW, PHONE, Scheme, Visit, chromium, visit
from tests.web.states import STATES, Stage, State, shown, stage

pytestmark = pytest.mark.slow

RULES: dict[Scheme, tuple[str, ...]] = {"light": (), "dark": ("color-contrast",)}
"""By which rules of axe-core each scheme is looked at: all, and what colours change."""
TOUCH_PX = 40
PRESSED = {"button", "link", "checkbox", "switch", "slider", "textbox", "searchbox", "combobox", "spinbutton", "radio"}
SMALL_TARGETS = """(leastPx) => {
    // Exceptions of WCAG 2.5.8: what is part of a sentence (links, words of a transcript), what the browser draws
    // (players), what a place in time gives its size to (a timeline's highlights and edges), what is pressed by its
    // label or shows up for the keyboard alone, and the name on a tile, which is pressed anywhere on the tile.
    const excepted = ["p a", ".word", "audio", "video", ".timeline-highlight *", ".visually-hidden", ".skip-link",
        ".tile-link", ":disabled"].join();
    const all = document.querySelectorAll("button, a[href], input, select, summary, [role=switch], [role=slider]");
    return [...all].filter((each) => !each.matches(excepted) && each.checkVisibility())
        .filter((each) => !each.closest("label") || each.closest("label").getBoundingClientRect().height < leastPx)
        .map((each) => [each, each.getBoundingClientRect()])
        .filter(([, box]) => box.width > 1 && Math.round(box.height) < leastPx)
        .map(([each, box]) => `${Math.round(box.width)} × ${Math.round(box.height)}: ${each.outerHTML.slice(0, 150)}`);
}"""
TOO_WIDE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 150))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, media_file: Callable[[str], Any]) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("states"), media_file) as made:
        yield made


@pytest.mark.parametrize("state", STATES, ids=str)
def test_a_state_keeps_nobody_out(browser: Browser, made: Stage, state: State) -> None:
    with visit(browser, "") as visitor, shown(made, state, visitor) as page:
        assert nameless(visitor) == []
        for size in (DESKTOP, PHONE, NARROW):
            taken_to(visitor, size)
            assert page.evaluate(TOO_WIDE) == [], f"{size} is too small"
            assert size == DESKTOP or page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
            for scheme, rules in RULES.items():
                page.emulate_media(color_scheme=scheme)
                settled(page)
                assert visitor.serious_faults(*rules) == [], f"{scheme}, {size}"
        assert unforeseen(state, visitor) == []


def taken_to(visitor: Visit, size: tuple[int, int]) -> None:
    """Have the page on a screen of that size; whoever comes to a phone has no mouse any more."""
    visitor.page.set_viewport_size({"width": size[0], "height": size[1]})
    if size == DESKTOP:
        return
    session = visitor.context.new_cdp_session(visitor.page)
    visitor.at_the_end.append(session.detach)  # what it emulates ends with it
    session.send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    assert visitor.page.evaluate("matchMedia('(pointer: coarse) and (hover: none)').matches")


def settled(page: Page) -> None:
    """Wait until colours that change are changed, else their contrast is that of something in between."""
    page.evaluate("Promise.allSettled(document.getAnimations().map((each) => each.finished))")


def nameless(visitor: Visit) -> list[str]:
    """Return what can be pressed or filled in, but has no name to those who do not see it."""
    session = visitor.context.new_cdp_session(visitor.page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    return [
        str(each)
        for each in nodes
        if not each.get("ignored")
        and each.get("role", {}).get("value") in PRESSED
        and not each.get("name", {}).get("value")
        and "backendDOMNodeId" in each
    ]


def unforeseen(state: State, visitor: Visit) -> list[str]:
    """Return what was said to the console, but for what Chromium itself notes of a failure that the state is about."""
    return [each for each in visitor.complaints if not (state.is_failure and "Failed to load resource" in each)]
