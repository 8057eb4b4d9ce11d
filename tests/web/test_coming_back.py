"""What the page keeps: chosen files, the place in the overview, what was interrupted; and where it may keep nothing."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.web.page_browser import chromium
from tests.web.watched import Watched, quiet_page, watched

pytestmark = pytest.mark.slow
FILM = FilePayload(name="ride.mp4", mimeType="video/mp4", buffer=b"film")
NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"]) {
    const get = () => { throw new DOMException("The operation is insecure.", "SecurityError"); };
    Object.defineProperty(window, name, { get });
}"""
FAILS_AND_DIES = """async () => {
    const open = IDBFactory.prototype.open;
    const connections = [];
    let failures = 4;
    IDBFactory.prototype.open = function (...given) {
        if (failures-- > 0) throw new DOMException("No.", "UnknownError");
        const request = open.apply(this, given);
        request.addEventListener("success", () => connections.push(request.result));
        return request;
    };
    const { remember, remembered, forget } = await import("/web/uploading/unfinished_uploads.js");
    const upload = { job: "a", name: "ride.mp4", atMs: Date.now(), handle: null };
    const counts = [];
    const note = async () => counts.push((await remembered()).length);
    await remember(upload);
    await note();
    await remember(upload);
    await note();
    connections[0].close();  // says nothing
    await note();
    await forget("a");
    await note();
    return counts;
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("watched") / "home") as server:
        for kind in ("done", "refused", "done", "crashed", "done", "cancelled", "sound", "done", "refused", "done"):
            server.job(kind)
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page, said = quiet_page(browser)
    yield page
    page.close()
    assert not said


def test_chosen_files_stay_when_the_content_is_skipped_to(page: Page, stocked: Watched) -> None:
    page.goto(stocked.url)
    page.locator("input[type=file]").first.set_input_files(FILM)
    expect(page.get_by_text("ride.mp4")).to_be_visible()
    page.locator(".skip-link").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/#view")
    page.wait_for_timeout(200)
    expect(page.get_by_text("ride.mp4")).to_be_visible()


def test_the_overview_is_as_it_was_left(page: Page, stocked: Watched) -> None:
    page.set_viewport_size({"width": 390, "height": 500})
    page.goto(f"{stocked.url}/jobs")
    page.get_by_role("searchbox").fill("done")
    page.wait_for_url("**/jobs?q=done")
    tiles = page.locator(".tile:visible")
    expect(tiles).to_have_count(5)
    tiles.nth(3).scroll_into_view_if_needed()
    page.wait_for_timeout(400)
    before_px = page.evaluate("scrollY")
    assert before_px > 300
    tiles.nth(3).get_by_role("link").first.click()
    page.wait_for_url(re.compile(r"/jobs/\w+$"))
    page.go_back()
    expect(tiles).to_have_count(5)
    expect(page.get_by_role("searchbox")).to_have_value("done")
    page.wait_for_timeout(300)
    assert abs(page.evaluate("scrollY") - before_px) < 40


def test_the_page_is_shown_where_it_may_keep_nothing(browser: Browser, stocked: Watched) -> None:
    context = browser.new_context()
    context.add_init_script(NO_STORAGE)
    page = context.new_page()
    page.goto(stocked.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.get_by_role("button", name=re.compile("Use (dark|light) colours")).click()
    context.close()


def test_a_database_that_fails_or_dies_is_opened_anew(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/web/icon.svg")
    assert page.evaluate(FAILS_AND_DIES) == [0, 1, 1, 0]


def test_much_of_an_upload_is_not_thrown_away_without_a_question(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/jobs")
    asked = """([storedBytes, sizeBytes]) => {
        window.sure = import("/web/uploading/cancel_dialog.js").then(({ cancelAsked }) =>
            cancelAsked({ name: "ride.mp4", storedBytes, sizeBytes }));
    }"""
    dialog = page.get_by_role("dialog", name="Cancel the upload of “ride.mp4”?")
    page.evaluate(asked, [1e6, 5e9])
    assert page.evaluate("sure") is True
    for stored_bytes, sentence, button, is_sure in (
        (3.2e9, "The 3.2 GB that have arrived", "Keep it", False),
        (None, "What has arrived of it", "Cancel it", True),
        (2e8, "The 200 MB that have arrived", None, False),
    ):
        page.evaluate(asked, [stored_bytes, 5e9])
        expect(dialog).to_contain_text(sentence)
        expect(dialog.get_by_role("button", name="Keep it")).to_be_focused()
        dialog.get_by_role("button", name=button).click() if button else page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        assert page.evaluate("sure") is is_sure
