"""A real Chromium in front of the page, which notes everything that it has to complain about."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SERIOUS = ("serious", "critical")
DESKTOP, PHONE, NARROW = (1280, 800), (390, 844), (360, 740)
Scheme = Literal["light", "dark"]


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Yield the machine's own Chromium, headless, with more arguments than the usual."""
    program = shutil.which("chromium")
    assert program is not None, "the browser is missing: sudo apt-get install -y chromium"
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*arguments, *more])
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """Somebody's browser, with storage of its own, and one page in it."""

    context: BrowserContext
    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)
    """What was logged to the console, and errors nobody caught."""
    at_the_end: list[Callable[[], object]] = field(default_factory=list)
    """What undoes whatever was done for this visitor alone."""

    def goto(self, path: str) -> Page:
        """Open an address of the page."""
        self.page.goto(self.url + path)
        return self.page

    def serious_faults(self, *rules: str) -> list[str]:
        """Return what axe-core finds that keeps people out, with the places; by all its rules, or by these."""
        # By the debugger, as an extension would: the page itself lets no foreign script in.
        session = self.context.new_cdp_session(self.page)
        session.send("Page.setBypassCSP", {"enabled": True})
        if not _evaluated(session, "'axe' in globalThis"):
            _evaluated(session, AXE.read_text(encoding="utf-8"))
        how = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
        found: dict[str, Any] = _evaluated(session, f"axe.run(document, {json.dumps(how)})")
        session.detach()
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
            for each in found["violations"]
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]


def _evaluated(session: Any, expression: str) -> Any:
    asked = {"expression": expression, "awaitPromise": True, "returnByValue": True}
    answer = session.send("Runtime.evaluate", asked)
    assert "exceptionDetails" not in answer, answer["exceptionDetails"]
    return answer["result"].get("value")


@contextmanager
def visit(
    browser: Browser, url: str, *, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light", **more: Any
) -> Iterator[Visit]:
    """Yield a fresh visitor of the page served at `url`."""
    width, height = size
    is_phone = width < 600
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, has_touch=is_phone, is_mobile=is_phone,
        reduced_motion="reduce", **more,
    )  # fmt: skip
    try:
        made = Visit(context=context, page=context.new_page(), url=url)
        made.page.on("console", lambda message: made.complaints.append(_told(message)))
        made.page.on("pageerror", lambda error: made.complaints.append(f"uncaught: {error}"))
        # Who listens from the start meets every file chooser; to begin just before a key is pressed may be too late.
        made.page.on("filechooser", lambda chooser: None)
        yield made
    finally:
        context.close()


def _told(message: ConsoleMessage) -> str:
    return f"{message.type}: {message.text} ({message.location.get('url', '')})"
