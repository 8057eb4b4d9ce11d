"""A real browser that looks at a folder, served on loopback."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Yield the machine's own Chromium."""
    chromium = shutil.which("chromium")
    assert chromium is not None, "the browser is missing: sudo apt-get install -y chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        yield browser
        browser.close()


@contextmanager
def opened_page(folder: Path) -> Iterator[Page]:
    """Yield the page that the folder's `index.html` is."""
    with served_folder(folder) as address, running_browser() as browser:
        page = browser.new_page()
        page.goto(f"{address}/index.html")
        yield page


@contextmanager
def served_folder(folder: Path) -> Iterator[str]:
    """Yield the address at which the folder is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass
