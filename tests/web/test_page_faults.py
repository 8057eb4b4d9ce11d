"""What goes wrong around the page: servers that restart, addresses that end, files that change, names that bite."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.settings import Settings
from tests.api_client import ApiClient
from tests.emulators.processes import free_port, server
from tests.web.cutting_relay import Line, cuttable
from tests.web.page_browser import Visit, chromium, visit

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MIB = 1024**2
REEL_MS = 90_000
PICKER = "delete window.showOpenFilePicker"
BEGUN = re.compile(r"^Make (a reel|\d+ reels)$")


@dataclass(kw_only=True)
class Restartable:
    """A server that can be ended and started again, with other settings."""

    folder: Path
    port: int
    url: str
    line: Line
    client: ApiClient
    running: ExitStack = field(default_factory=ExitStack)

    def start(self, **environment: str) -> None:
        own = {
            "MONTAGE_HOME": str(self.folder / "home"),
            "MONTAGE_MODELS": str(Settings().models),
            "MONTAGE_PUBLIC_URL": self.url,
            "MONTAGE_DOWNLOAD_URL_EXPIRES_S": "2",
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
            **environment,
        }
        command = [sys.executable, "-m", "functions.local.montage", "serve", "--port", str(self.port)]
        log = self.folder / f"serve-{time.time_ns()}.log"
        self.running.enter_context(server(command, log=log, port=self.port, environment=own))

    def stop(self) -> None:
        self.running.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restartable]:
    port, front = free_port(), free_port()
    url = f"http://localhost:{front}"
    folder = tmp_path_factory.mktemp("faults")
    with cuttable(port, port=front, bytes_per_s=1e9) as line, ApiClient(f"http://localhost:{port}") as client:
        made = Restartable(folder=folder, port=port, url=url, line=line, client=client)
        made.start()
        try:
            yield made
        finally:
            made.stop()


@pytest.fixture
def visitor(here: Restartable, browser: Browser) -> Iterator[Visit]:
    here.line.bytes_per_s = 1e9
    with visit(browser, here.url) as visitor:
        visitor.context.add_init_script(PICKER)
        yield visitor


@pytest.fixture(scope="module")
def reel(here: Restartable, media_file: Callable[[str], Path]) -> str:
    """A job with a reel."""
    job = here.client.upload(media_file("motion/dog_fetch_720p.mp4"))
    here.client.wait(job, ("done",), timeout_s=REEL_MS / 1000)
    return job


def choose(page: Page, *files: Path) -> None:
    page.set_input_files("main input[type=file]", list(files))


def begin(page: Page) -> None:
    page.get_by_role("button", name=BEGUN).click()
    page.wait_for_url("**/batches/*")


def said(visitor: Visit) -> list[str]:
    """Return the complaints but for what Chromium notes by itself of requests that failed."""
    return [each for each in visitor.complaints if "Failed to load resource" not in each]


def trim(page: Page, key: str = "ArrowLeft") -> None:
    page.get_by_role("button", name=re.compile(r"^Highlight \d+ of \d+.*in the reel as clip 1")).click()
    page.get_by_role("slider", name=re.compile("End")).press(key)


def film_of(path: Path, size_bytes: int) -> Path:
    path.write_bytes(os.urandom(size_bytes))
    return path


def test_uploads_and_progress_outlive_a_restart_and_a_full_disk(
    here: Restartable, visitor: Visit, tmp_path: Path
) -> None:
    page = visitor.goto("/")
    choose(page, film_of(tmp_path / "long.mp4", 24 * MIB))
    here.line.bytes_per_s = 8e6
    begin(page)
    row = page.get_by_role("group", name="Upload of long.mp4")
    expect(row.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"^[4-7]\d$"), timeout=15_000)
    here.stop()
    expect(row).to_contain_text("The connection broke; trying again", timeout=10_000)
    expect(page.get_by_text("Montage cannot be reached just now")).to_be_visible(timeout=10_000)
    here.line.bytes_per_s = 1e9
    here.start(MONTAGE_DISK_RESERVE_BYTES=str(10**16))
    expect(row).to_contain_text("The disk over there is full; trying again", timeout=40_000)
    row.get_by_role("button", name=re.compile("^Pause")).click()
    expect(row).to_contain_text("Paused")
    new = visitor.context.new_page()
    new.goto(here.url)
    choose(new, film_of(tmp_path / "next.mp4", MIB))
    new.get_by_role("button", name=BEGUN).click()
    expect(new.get_by_role("alert")).to_contain_text(re.compile("disk", re.IGNORECASE))
    here.stop()
    here.start()
    row.get_by_role("button", name=re.compile("^Resume")).click()
    card = page.get_by_role("article", name="long.mp4")
    expect(card).to_contain_text("Did not work out", timeout=40_000)  # it is no film; all of it has arrived
    expect(page.get_by_text("Montage cannot be reached just now")).to_be_hidden()
    new.get_by_role("button", name=BEGUN).click()
    new.wait_for_url("**/batches/*")
    assert said(visitor) == []


def test_players_pictures_and_downloads_get_new_addresses(here: Restartable, visitor: Visit, reel: str) -> None:
    page = visitor.goto(f"/jobs/{reel}")
    player = page.get_by_label("The reel", exact=True)
    expect(player).to_have_js_property("readyState", 4, timeout=20_000)
    old = player.get_attribute("src")
    page.wait_for_timeout(2500)
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^Reel")).click()
    assert download.value.path().stat().st_size > 10_000
    player.evaluate(
        "media => { media.currentTime = media.duration - 1; media.muted = true; media.play().catch(() => {}); }"
    )
    page.wait_for_function("media => media.ended", arg=player.element_handle(), timeout=20_000)
    assert player.get_attribute("src") != old
    expect(page.locator(".screen-fault")).to_be_hidden()
    expect(page.locator(".thumbnail:visible").first).to_be_visible()
    assert said(visitor) == []


def test_a_browser_whose_clock_is_wrong_shows_the_reel(here: Restartable, visitor: Visit, reel: str) -> None:
    visitor.context.add_init_script("const now = Date.now; Date.now = () => now() + 7200_000;")
    page = visitor.goto(f"/jobs/{reel}")
    expect(page.get_by_label("The reel", exact=True)).to_have_js_property("readyState", 4, timeout=20_000)
    assert said(visitor) == []


def test_who_edits_in_two_tabs_loses_nothing(here: Restartable, visitor: Visit, reel: str) -> None:
    one = visitor.goto(f"/jobs/{reel}")
    other = visitor.context.new_page()
    other.goto(f"{here.url}/jobs/{reel}")
    revision = here.client.job(reel)["revision"]
    for page in (one, other):
        expect(page.locator(".result-facts")).to_contain_text(f"Revision {revision}", timeout=20_000)
        trim(page)
    other.keyboard.press("ArrowLeft")  # the same edit would be the same reel
    one.get_by_role("button", name="Render again").click()
    expect(one.locator(".result-facts")).to_contain_text(f"Revision {revision + 1}", timeout=REEL_MS)
    other.get_by_role("button", name="Render again").click()
    told = other.get_by_text(re.compile("meanwhile", re.IGNORECASE)).first
    expect(told).to_be_visible(timeout=15_000)
    other.get_by_role("button", name="Render mine over it").click()
    expect(other.locator(".result-facts")).to_contain_text(f"Revision {revision + 2}", timeout=REEL_MS)
    assert said(visitor) == []


def test_a_job_erased_elsewhere_is_said_to_be_gone(here: Restartable, visitor: Visit, reel: str) -> None:
    page = visitor.goto(f"/jobs/{reel}")
    expect(page.locator(".result-facts")).to_contain_text("Revision", timeout=20_000)
    trim(page, "ArrowRight")  # back to where it was before the edits of others
    assert here.client.http.delete(f"/v1/jobs/{reel}").status_code == 202
    time.sleep(1)
    page.get_by_role("button", name="Render again").click()
    expect(page.get_by_role("heading", name=re.compile("There is no such reel|This is erased"))).to_be_visible(
        timeout=10_000
    )
    assert said(visitor) == []


def test_a_file_that_changes_before_it_is_sent_is_asked_for_again(
    here: Restartable, visitor: Visit, tmp_path: Path
) -> None:
    film = film_of(tmp_path / "changing.mp4", 2 * MIB)
    page = visitor.goto("/")
    choose(page, film)
    time.sleep(1.1)
    film_of(film, 3 * MIB)
    begin(page)
    row = page.get_by_role("group", name="Upload of changing.mp4")
    expect(row).to_contain_text("The file cannot be read: it was moved or changed. Choose it again to go on.")
    film_of(film, 2 * MIB)
    with page.expect_file_chooser() as chooser:
        row.get_by_role("button", name="Choose changing.mp4 again").click()
    chooser.value.set_files(film)
    expect(page.get_by_role("article", name="changing.mp4")).to_contain_text("Did not work out", timeout=20_000)
    assert said(visitor) == []


NAMES = (
    "<img src=x onerror=alert(1)>.mp4",
    "\"quotes\" & 'apostrophes' `ticks`.mp4",
    "שלום עולם.mp4",
    "🏄‍♀️ surf 🌊.mp4",
    "a" * 251 + ".mp4",
    "\u202egpj.4pm.mp4",
)


def test_names_are_text_whatever_they_say(here: Restartable, visitor: Visit, tmp_path: Path) -> None:
    films = [tmp_path / name for name in NAMES]
    for at, film in enumerate(films):
        film.write_bytes(b"no film" * (at + 1))
    empty = tmp_path / "empty.mp4"
    empty.touch()
    page = visitor.goto("/")
    page.on("dialog", lambda dialog: pytest.fail(f"a script of a name ran: {dialog.message}"))
    choose(page, *films, empty)
    chosen = page.get_by_role("list", name="Chosen files")
    expect(chosen.get_by_role("listitem").filter(has_text="empty.mp4")).to_contain_text("this file is empty")
    page.get_by_role("button", name=BEGUN).click()
    expect(page.get_by_role("alert")).to_contain_text("1 file cannot be taken")
    page.get_by_role("button", name="Go on without it").click()
    begin(page)
    for name in NAMES[:-1]:
        expect(card(page, name)).to_contain_text("Did not work out", timeout=30_000)
    assert page.locator("main img[src=x]").count() == 0
    assert fits(page)
    page.goto(f"{here.url}/jobs")
    for name in NAMES[:-1]:
        expect(page.get_by_role("link", name=name, exact=False).first).to_be_visible()
    assert fits(page)
    page.get_by_role("link", name=NAMES[4]).first.click()
    expect(page.get_by_role("heading", name=NAMES[4])).to_be_visible()
    assert fits(page)
    assert visitor.complaints == [each for each in visitor.complaints if "status of 422" in each]


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name, exact=True))


def fits(page: Page) -> bool:
    """Return whether nothing is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def test_more_files_than_one_batch_takes_are_refused_in_a_sentence(
    here: Restartable, visitor: Visit, tmp_path: Path
) -> None:
    films = [tmp_path / f"{at}.mp4" for at in range(150)]
    for film in films:
        film.write_bytes(b"no film")
    page = visitor.goto("/")
    choose(page, *films)
    page.get_by_role("button", name="Make 150 reels").click()
    expect(page.get_by_role("alert")).to_contain_text("100")
    print(page.get_by_role("alert").inner_text())
    expect(page.get_by_role("button", name="Make 150 reels")).to_be_enabled()
    assert said(visitor) == []
