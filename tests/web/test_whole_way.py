"""The whole way on the page, as people go it: files up, progress, a reel that plays, an edit, the next reel."""

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.domain.api_key import hash_of, new_key
from shared.domain.object_names import source
from tests.api_places import UPLOAD_AND_READ, Place, emulated
from tests.emulators.cloud import UPLOADS, EmulatedCloud, emulated_cloud
from tests.emulators.processes import free_port
from tests.emulators.storage_proxy import StorageProxy
from tests.web.cutting_relay import Line, cuttable
from tests.web.page_browser import PHONE, Visit, chromium, visit
from tests.web.served_page import Served, served_page

pytestmark = pytest.mark.slow

PART_BYTES = 8 * 1024**2
HEADERS_BYTES = 1024**2  # more than all requests' headers of one visit, a status request every two seconds included
REEL_MS = 180_000
PLAYED = """() => document.querySelector('[aria-label="The reel"]').currentTime > 0.5"""
FILMS = ("raw_session_mixed_720p.mp4", "motion/dog_fetch_720p.mp4")
NO_FILM = "odd/text_named.mp4"
HAS_PICTURES = """() => {
    const canvas = document.querySelector("canvas.timeline-picture");
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 28) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
    return colours.size > 1000;
}"""
"""Whether the timeline is drawn with more colours than a theme has."""
PICKER = "delete window.showOpenFilePicker"  # which only a person can use; without it browsers show a plain chooser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served_page(tmp_path_factory.mktemp("whole-way")) as here:
        yield here


def choose(page: Page, *files: Path) -> None:
    """Choose files with nothing but the keyboard."""
    button = page.get_by_role("button", name="Choose files")
    button.focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(list(files))


def begin(page: Page) -> None:
    page.get_by_role("button", name=re.compile(r"^Make (a reel|\d+ reels)$")).click()
    page.wait_for_url("**/batches/*")


def card(page: Page, name: str) -> Locator:
    return page.get_by_role("article", name=name)


def in_reel(page: Page) -> Locator:
    return page.get_by_role("list", name="In the reel", exact=True).get_by_role("listitem")


def plays(page: Page) -> float:
    """Return the reel's length in seconds once it has been seen to move."""
    reel = page.get_by_label("The reel", exact=True)
    expect(reel).to_have_js_property("readyState", 4, timeout=20_000)
    reel.evaluate("media => { media.muted = true; return media.play(); }")
    page.wait_for_function(PLAYED)
    reel.evaluate("media => media.pause()")
    return float(reel.evaluate("media => media.duration"))


def is_at_revision(page: Page, revision: int) -> None:
    expect(page.locator(".result-facts")).to_contain_text(f"Revision {revision}", timeout=REEL_MS)


def drag(page: Page, edge: Locator, by_px: float) -> None:
    """Take an edge of a highlight and pull it."""
    box = edge.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, 11):
        page.mouse.move(x + by_px * step / 10, y)
    page.mouse.up()


def give_key(page: Page, title: str, key: str, *, timeout_s: float = 15) -> None:
    """Wait to be asked for a key in these words, and give one."""
    dialog = page.get_by_role("dialog", name=title, exact=True)
    expect(dialog).to_be_visible(timeout=timeout_s * 1000)
    dialog.get_by_label("Key", exact=True).fill(key)
    dialog.get_by_role("button", name="Use this key").click()
    expect(dialog).to_be_hidden()


def edge(page: Page, which: str) -> Locator:
    return page.get_by_role("slider", name=re.compile(which))


def test_films_become_reels_and_an_edit_a_shorter_one(
    here: Served, browser: Browser, media_file: Callable[[str], Path]
) -> None:
    session, fetch, no_film = (media_file(name) for name in (*FILMS, NO_FILM))
    with visit(browser, here.url) as visitor:
        visitor.context.add_init_script(PICKER)
        page = visitor.goto("/")
        choose(page, session, fetch, no_film)
        begin(page)

        # Stages are seen as they run, and what is no film is told in a sentence with what to do.
        expect(card(page, session.name).get_by_role("progressbar").first).to_be_visible(timeout=30_000)
        seen = card(page, session.name).get_by_role("progressbar", name="Looking for movement")
        expect(seen).not_to_have_attribute("aria-valuenow", "0", timeout=60_000)
        expect(card(page, no_film.name)).to_contain_text("Did not work out", timeout=60_000)
        expect(card(page, no_film.name).get_by_role("link", name="Upload another file")).to_be_visible()
        expect(card(page, fetch.name).get_by_role("link", name="Open the reel")).to_be_visible(timeout=REEL_MS)
        card(page, session.name).get_by_role("link", name="Open the reel").click(timeout=REEL_MS)

        is_at_revision(page, 1)
        job_id = page.url.rsplit("/", 1)[1]
        first_s = plays(page)
        assert first_s == pytest.approx(here.reel_s(job_id), abs=0.1)

        # One highlight off, one edge dragged: the next reel is that much shorter, and plays.
        clips = in_reel(page).count()
        assert clips >= 3
        in_reel(page).nth(0).get_by_role("switch").click()
        expect(in_reel(page)).to_have_count(clips - 1)
        page.get_by_role("button", name=re.compile(r"^Highlight \d+ of \d+.*in the reel as clip 2")).click()
        drag(page, edge(page, "End"), by_px=-40)
        page.get_by_role("button", name="Render again").click()
        is_at_revision(page, 2)
        second_s = plays(page)
        assert second_s < first_s - 2
        assert second_s == pytest.approx(here.reel_s(job_id), abs=0.1)
        asked = here.clips_of(job_id)
        assert len(asked) == clips - 1
        assert visitor.complaints == []
        assert visitor.serious_faults() == []


def test_a_cut_and_a_reload_half_way_send_no_more_than_a_part_twice(
    browser: Browser, media_file: Callable[[str], Path], tmp_path: Path
) -> None:
    film = media_file(FILMS[0])
    size_bytes = film.stat().st_size
    with served_page(tmp_path, bytes_per_s=6e6) as here, visit(browser, here.url) as visitor:
        line: Line = here.line
        visitor.context.add_init_script(PICKER)
        page = visitor.goto("/")
        page.on("dialog", lambda dialog: dialog.accept())  # that leaving breaks an upload off
        line.sent_bytes, line.cut_at_bytes = 0, size_bytes / 2
        choose(page, film)
        begin(page)
        expect(page.get_by_text("The connection broke; trying again")).to_be_visible(timeout=30_000)
        line.is_down = False
        batch = page.url
        page.reload()
        with page.expect_file_chooser() as chooser:
            page.get_by_role("button", name=f"Choose {film.name} again").click()
        chooser.value.set_files(film)
        expect(card(page, film.name).get_by_role("progressbar", name="Looking for movement")).to_be_visible(
            timeout=60_000
        )
        twice_bytes = line.sent_bytes - size_bytes
        print(f"sent twice, with all requests' headers: {twice_bytes / 1024**2:.2f} MiB")
        assert twice_bytes <= PART_BYTES + HEADERS_BYTES
        (job,) = here.client.get(f"/v1/batches/{batch.rsplit('/', 1)[1]}").json()["jobs"]
        answer = here.client.plain.get(here.client.get(f"/v1/jobs/{job['id']}/artifacts/source").headers["Location"])
        assert answer.content == film.read_bytes()


def test_everything_is_done_by_keyboard_alone(
    here: Served, browser: Browser, media_file: Callable[[str], Path]
) -> None:
    film = media_file(FILMS[0])
    with visit(browser, here.url) as visitor:
        visitor.context.add_init_script(PICKER)
        page = visitor.goto("/")
        keys = Keys(page)
        with page.expect_file_chooser() as chooser:
            keys.to("Choose files").press("Enter")
        chooser.value.set_files(film)
        keys.to("Options").press("Enter")
        keys.to("Look for").press("ArrowDown")
        keys.to("Length of the reel").type("30")
        keys.to("Make a reel").press("Enter")
        page.wait_for_url("**/batches/*")
        expect(page.get_by_role("link", name="Open the reel")).to_be_visible(timeout=REEL_MS)
        keys.to("Open the reel").press("Enter")
        is_at_revision(page, 1)
        before_s = plays(page)

        # Off and on again, an edge from point to point, a place in the order, undo and redo, and the next reel.
        keys.to(re.compile(r"^Highlight \d of \d.*in the reel as clip 1")).press("Enter")
        keys.to("End of the highlight").press("ArrowLeft", "ArrowLeft")
        page.keyboard.press("Control+z")
        page.keyboard.press("Control+Shift+z")
        keys.to(re.compile(r"^Move .* down$")).press("Enter")
        keys.to("Render again").press("Enter")
        is_at_revision(page, 2)
        assert plays(page) != pytest.approx(before_s, abs=0.01)
        keys.to("My reels").press("Enter")
        page.wait_for_url("**/jobs")
        expect(page.get_by_role("link", name=film.name).first).to_be_visible()
        assert visitor.complaints == []


class Keys:
    """Somebody who has a keyboard and nothing else."""

    MOST_STOPS = 250

    def __init__(self, page: Page) -> None:
        self._page = page

    def to(self, name: str | re.Pattern[str]) -> "Keys":
        """Go on with Tab until something of that name has the focus. What has the focus must be seen to."""
        wanted = name if isinstance(name, re.Pattern) else re.compile(rf"^{re.escape(name)}")
        met = []
        for _ in range(self.MOST_STOPS):
            self._page.keyboard.press("Tab")
            met.append(self._page.evaluate(FOCUSED))
            if wanted.search(met[-1]):
                return self
        raise AssertionError(f"Tab never comes to {wanted.pattern}: {list(dict.fromkeys(met))}")

    def press(self, *keys: str) -> "Keys":
        for key in keys:
            self._page.keyboard.press(key)
        return self

    def type(self, text: str) -> "Keys":
        self._page.keyboard.type(text)
        return self


FOCUSED = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return "";
    const labels = [...(at.labels ?? [])].map((label) => label.textContent.trim()).join(" ");
    return (at.getAttribute("aria-label") ?? (labels || at.textContent || "")).trim().replace(/\\s+/g, " ");
}"""


@pytest.mark.emulators
@pytest.mark.timeout(240)
def test_the_same_page_goes_the_whole_way_on_the_emulated_cloud(
    browser: Browser, media_file: Callable[[str], Path], tmp_path: Path
) -> None:
    film = padded(media_file("motion/dog_fetch_720p.mp4"), tmp_path / "fetch.mp4", by_bytes=20 * 1024**2)
    lines: list[Line] = []

    @contextmanager
    def slow_line(storage: StorageProxy) -> Iterator[str]:
        front = free_port()
        with cuttable(urlsplit(storage.url).port or 0, port=front) as line:
            lines.append(line)
            yield f"http://127.0.0.1:{front}"

    (logs := tmp_path / "cloud").mkdir()
    with (
        emulated_cloud(logs, line_to_storage=slow_line) as cloud, emulated(cloud) as place,
        visit(browser, place.url, size=PHONE) as visitor, cloud.explaining(),
    ):  # fmt: skip
        goes_the_whole_way(place, cloud, lines[0], visitor, film)


def padded(film: Path, path: Path, *, by_bytes: int) -> Path:
    """Write the film with so much more at its end that means nothing, and return the path."""
    rest = random.Random(7).randbytes(by_bytes - 8)
    path.write_bytes(film.read_bytes() + by_bytes.to_bytes(4, "big") + b"free" + rest)
    return path


def goes_the_whole_way(place: Place, cloud: EmulatedCloud, line: Line, visitor: Visit, film: Path) -> None:
    size_bytes = film.stat().st_size
    visitor.context.add_init_script(PICKER)
    page = visitor.goto("/")
    page.on("dialog", lambda dialog: dialog.accept())  # that leaving breaks an upload off
    choose(page, film)

    # A wrong key is asked for again, a right one is kept for this tab: over the reload and until it is revoked.
    page.get_by_role("button", name="Make a reel").click()
    give_key(page, "This Montage asks for a key", new_key())
    cloud.storage.reset()
    line.bytes_per_s, line.sent_bytes, line.cut_at_bytes = 8e6, 0, size_bytes / 2
    first = place.key("ada", UPLOAD_AND_READ)
    give_key(page, "This key does not count", first)
    page.wait_for_url("**/batches/*")

    # The line to the bucket is cut half way, and the page loaded again.
    expect(page.get_by_text("The connection broke; trying again")).to_be_visible(timeout=30_000)
    page.reload()
    line.is_down = False
    line.bytes_per_s = 1e9
    page.reload()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name=f"Choose {film.name} again").click()
    chooser.value.set_files(film)
    opening = page.get_by_role("link", name="Open the reel")
    seen = page.get_by_role("progressbar", name="Looking for movement")
    expect(seen.or_(opening).first).to_be_visible(timeout=60_000)
    (job,) = place.client("ada").get(f"/v1/batches/{page.url.rsplit('/', 1)[1]}").json()["jobs"]
    received = cloud.storage.traffic.received_by_object[f"{UPLOADS}/{source(job['id'])}"]
    print(f"sent twice: {(received - size_bytes) / 1024**2:.2f} MiB")
    assert size_bytes <= received <= size_bytes + PART_BYTES

    # The key is revoked while the batch is watched.
    place.keys.revoke(hash_of(first), at=time.time())
    give_key(page, "This key does not count any more", place.key("ada", UPLOAD_AND_READ), timeout_s=90)
    opening.click(timeout=REEL_MS)
    is_at_revision(page, 1)
    first_s = plays(page)
    assert first_s > 3
    before = wanted_s(place, job["id"])
    page.locator(".timeline-picture").scroll_into_view_if_needed()
    page.wait_for_function(HAS_PICTURES)

    # An edit, and the next reel.
    page.get_by_role("button", name=re.compile(r"^Highlight \d+ of \d+.*in the reel as clip 1")).click()
    edge(page, "End").press("ArrowLeft")
    page.get_by_role("button", name="Render again").click()
    is_at_revision(page, 2)
    assert plays(page) <= first_s  # copied clips end where the stream lets them
    assert wanted_s(place, job["id"]) < before
    has_only_refusals(visitor)


def wanted_s(place: Place, job_id: str) -> float:
    """Return how long a job's reel was asked to be."""
    client = place.client("ada")
    address = client.get(f"/v1/jobs/{job_id}/artifacts/report").headers["Location"]
    clips = client.plain.get(address).json()["edit_list"]["clips"]
    return float(sum(end_s - start_s for start_s, end_s in (clip["wanted"] for clip in clips)))


def has_only_refusals(visitor: Visit) -> None:
    """Nothing was said but what Chromium notes by itself: that a key is asked for, and that a line broke."""
    assert [each for each in visitor.complaints if "401" not in each and "net::ERR_" not in each] == []
