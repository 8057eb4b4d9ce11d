"""Keys and other people: who is asked for one, what each may see and do, and what is said of the rest."""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from shared.domain.api_key import Scope, hash_of, new_key
from tests.api_places import Place, served
from tests.web.page_browser import Visit, chromium, visit

pytestmark = pytest.mark.slow

REEL_MS = 90_000
READ: tuple[Scope, ...] = ("read",)
UPLOAD: tuple[Scope, ...] = ("upload",)
BOTH: tuple[Scope, ...] = ("upload", "read")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(tmp_path_factory.mktemp("keys")) as place:
        yield place


@pytest.fixture(scope="module")
def reel(place: Place, browser: Browser, media_file: Callable[[str], Path]) -> tuple[str, str]:
    """Ada's batch and job, with a reel."""
    client = place.client("ada")
    begun = client.begin(film := media_file("motion/squats_portrait.mp4"))
    (job,) = begun["jobs"]
    client.send(job["upload"], film.read_bytes())
    client.wait(job["job"], ("done",), timeout_s=REEL_MS / 1000)
    return begun["batch"], job["job"]


def asked(page: Page) -> Locator:
    return page.get_by_role("dialog")


def give(page: Page, key: str, *, title: str = "This Montage asks for a key", keep: bool = False) -> None:
    expect(asked(page).get_by_role("heading", name=title, exact=True)).to_be_visible(timeout=20_000)
    asked(page).get_by_label("Key", exact=True).fill(key)
    if keep:
        asked(page).get_by_label("Keep it in this browser").check()
    asked(page).get_by_role("button", name="Use this key").click()


def opened_with(visitor: Visit, path: str, key: str) -> Page:
    """Open an address and give a key there."""
    page = visitor.goto(path)
    give(page, key)
    expect(asked(page)).to_have_count(0)
    return page


def choose(page: Page, *files: Path | dict[str, object]) -> None:
    page.set_input_files("main input[type=file]", list(files))  # type: ignore[arg-type]


def said(visitor: Visit, *but: str) -> Sequence[str]:
    """Return the complaints but for what Chromium notes by itself of requests that were refused."""
    return [each for each in visitor.complaints if not any(f"status of {status}" in each for status in ("401", *but))]


def test_a_shared_link_asks_its_owner_for_the_key_once_and_others_are_told_nothing(
    place: Place, browser: Browser, reel: tuple[str, str]
) -> None:
    batch, job = reel
    with visit(browser, place.url) as visitor:
        page = visitor.goto(f"/batches/{batch}")
        give(page, "mööntage_…")  # what no header takes is not taken for a broken connection
        alert = asked(page).get_by_label("Key", exact=True)
        assert "This is no key" in alert.evaluate("input => input.validationMessage")
        give(page, new_key())
        give(page, place.key("ada", BOTH), title="This key does not count", keep=True)
        expect(asked(page)).to_have_count(0)
        page.get_by_role("link", name="Open the reel").click()
        expect(page.locator(".result-facts")).to_contain_text("Revision 1", timeout=20_000)
        later = visitor.context.new_page()  # kept for this browser, other tabs are not asked
        later.goto(f"{place.url}/jobs")
        expect(later.get_by_role("link", name="squats_portrait.mp4").first).to_be_visible()
        assert said(visitor) == []
    with visit(browser, place.url) as visitor:
        page = opened_with(visitor, f"/batches/{batch}", place.key("eve", BOTH))
        expect(page.get_by_role("heading", name="There is no such batch")).to_be_visible()
        expect(page.get_by_text("belong to somebody else")).to_be_visible()
        page.goto(f"{place.url}/jobs/{job}")
        expect(page.get_by_role("heading", name="There is no such reel")).to_be_visible()
        assert said(visitor, "404") == []


def test_a_key_that_only_reads_shows_and_refuses_in_a_sentence(
    place: Place, browser: Browser, reel: tuple[str, str], media_file: Callable[[str], Path]
) -> None:
    with visit(browser, place.url) as visitor:
        page = opened_with(visitor, f"/jobs/{reel[1]}", place.key("ada", READ))
        expect(page.locator(".result-facts")).to_contain_text("Revision 1", timeout=20_000)
        page.get_by_role("button", name=re.compile(r"^Highlight \d+ of \d+.*in the reel as clip 1")).click()
        page.get_by_role("slider", name=re.compile("End")).press("ArrowLeft")
        page.get_by_role("button", name="Render again").click(timeout=5_000)
        expect(page.get_by_text("scope upload").first).to_be_visible()
        page.goto(f"{place.url}/")
        choose(page, media_file("motion/squats_portrait.mp4"))
        page.get_by_role("button", name="Make a reel").click()
        expect(page.get_by_role("alert")).to_contain_text("scope upload")
        assert said(visitor, "403") == []


def test_a_key_that_only_uploads_sees_its_uploads_arrive(
    place: Place, browser: Browser, media_file: Callable[[str], Path]
) -> None:
    with visit(browser, place.url) as visitor:
        page = visitor.goto("/")
        choose(page, media_file("motion/dog_fetch_720p.mp4"))
        page.get_by_role("button", name="Make a reel").click()
        give(page, place.key("bob", UPLOAD))
        page.wait_for_url("**/batches/*")
        expect(page.get_by_text("This key may upload, but not look")).to_be_visible()
        arriving = page.get_by_role("article", name="dog_fetch_720p.mp4")
        expect(arriving.get_by_text("Uploaded", exact=True)).to_be_visible(timeout=15_000)
        batch = page.url.rsplit("/", 1)[1]
        reading = place.client("bob", READ)
        (job,) = reading.get(f"/v1/batches/{batch}").json()["jobs"]
        assert job["state"] != "awaiting_upload"
        assert said(visitor, "403") == []


def test_several_requests_ask_once_and_who_has_no_key_is_told_so(
    place: Place, browser: Browser, reel: tuple[str, str]
) -> None:
    with visit(browser, place.url) as visitor:
        page = visitor.goto("/")
        ask_at_once = """() => import("/web/api.js").then(async ({ Api }) => {
            const { askForKey, knownKey } = await import("/web/key.js");
            const api = new Api({ key: knownKey, onKeyWanted: askForKey });
            window.asked = Promise.allSettled([api.jobs(), api.jobs(), api.jobs(), api.job("x")]);
        })"""
        page.evaluate(ask_at_once)
        expect(asked(page)).to_have_count(1)
        give(page, place.key("ada", BOTH))
        outcomes = page.evaluate("() => window.asked.then((all) => all.map(({ status }) => status))")
        assert outcomes == ["fulfilled"] * 3 + ["rejected"]
        expect(asked(page)).to_have_count(0)
    with visit(browser, place.url) as visitor:
        page = visitor.goto(f"/batches/{reel[0]}")
        asked(page).get_by_role("button", name="Not now").click()
        expect(page.get_by_role("heading", name="A key is needed here")).to_be_visible()
        page.wait_for_timeout(2500)
        expect(asked(page)).to_have_count(0)
        page.get_by_role("button", name="Load again").click()
        expect(asked(page)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("heading", name="A key is needed here")).to_be_visible()
        page.goto(f"{place.url}/")
        choose(page, {"name": "a.mp4", "mimeType": "video/mp4", "buffer": b"film"})
        page.get_by_role("button", name="Make a reel").click()
        asked(page).get_by_role("button", name="Not now").click()
        expect(page.get_by_role("alert")).to_contain_text("Your files stay chosen")
        page.get_by_role("button", name="Make a reel").click()
        give(page, place.key("ada", BOTH))
        page.wait_for_url("**/batches/*")
        assert said(visitor) == []


def test_a_key_revoked_while_somebody_watches_is_asked_for_anew(place: Place, browser: Browser) -> None:
    client = place.client("ada")
    begun = client.post(
        "/v1/uploads", {"files": [{"name": "b.mp4", "size_bytes": 9, "content_type": "video/mp4"}], "options": {}}
    ).json()
    with visit(browser, place.url) as visitor:
        key = place.key("ada", BOTH)
        page = opened_with(visitor, f"/batches/{begun['batch']}", key)
        expect(page.get_by_role("article", name="b.mp4")).to_be_visible()
        place.keys.revoke(hash_of(key), at=time.time())
        give(page, place.key("ada", BOTH), title="This key does not count any more")
        expect(asked(page)).to_have_count(0)
        client.post(f"/v1/jobs/{begun['jobs'][0]['job']}/cancel")
        expect(page.get_by_role("article", name="b.mp4")).to_contain_text("Cancelled", timeout=10_000)
        assert said(visitor) == []


def test_too_many_requests_are_told_quietly_and_retry_after_is_kept(place: Place, browser: Browser) -> None:
    begun = (
        place.client("ada")
        .post(
            "/v1/uploads", {"files": [{"name": "c.mp4", "size_bytes": 9, "content_type": "video/mp4"}], "options": {}}
        )
        .json()
    )
    at: list[float] = []
    refused: list[float] = []

    def answer(route: Route) -> None:
        at.append(time.monotonic())
        if len(at) == 2:  # the API's own words, which it would take 600 requests to hear
            refused.append(at[-1])
            body = '{"code": "too_many_requests", "detail": "Too many requests at once; try again in 4 s."}'
            route.fulfill(status=429, content_type="application/problem+json", headers={"Retry-After": "4"}, body=body)
        else:
            route.continue_()

    with visit(browser, place.url) as visitor:
        page = visitor.goto("/jobs")
        give(page, place.key("ada", BOTH))
        page.route(re.compile(r"/v1/batches/"), answer)
        page.goto(f"{place.url}/batches/{begun['batch']}")
        expect(page.get_by_text("Montage is busy just now")).to_be_visible(timeout=10_000)
        expect(page.get_by_text("Montage is busy just now")).to_be_hidden(timeout=15_000)
        assert at[2] - refused[0] >= 4
        assert said(visitor, "429") == []
