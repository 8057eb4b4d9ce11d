"""Past jobs as the page shows them: filtered, looked for, opened, erased; a thousand of them, and none."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.page_browser import chromium
from tests.web.watched import Watched, new_id, quiet_page, watched

pytestmark = pytest.mark.slow
SOON_MS = 12_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """A machine with some jobs in every state."""
    with watched(tmp_path_factory.mktemp("watched") / "home") as server:
        for kind in (
            "cancelled",
            "expired",
            "refused",
            "crashed",
            "queued",
            "slow",
            "merging",
            "awaiting",
            "sound",
            "done",
        ):
            server.job(kind)
        yield server


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must say nothing to the console."""
    page, said = quiet_page(browser)
    yield page
    page.close()
    assert not said


def tiles(page: Page) -> Any:
    return page.locator(".tile:visible")


def names(page: Page) -> list[str]:
    found: list[str] = page.locator(".tile:visible .tile-name").all_inner_texts()
    return found


def test_without_jobs_there_is_a_way_to_make_one(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with watched(tmp_path_factory.mktemp("empty") / "home") as server:
        page.goto(f"{server.url}/jobs")
        expect(page.get_by_role("heading", name="No reels yet")).to_be_visible()
        expect(page.get_by_role("link", name="Make the first one")).to_be_visible()
        expect(page.get_by_role("searchbox")).to_be_hidden()
        page.goto("about:blank")


def test_a_tile_has_picture_length_and_state(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/jobs")
    expect(tiles(page)).to_have_count(10)
    assert names(page)[:2] == ["done.mp4", "sound.mp4"]  # newest first
    first, second = tiles(page).nth(0), tiles(page).nth(1)
    expect(first).to_contain_text("0:42 of 25:30")
    expect(first.locator("img")).to_be_visible()
    expect(first.get_by_text("Done", exact=True)).to_be_visible()
    expect(second.locator(".poster.sound")).to_be_visible()
    expect(tiles(page).filter(has_text="merging.mp4").get_by_role("progressbar")).to_be_visible()


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("running", ["awaiting.mp4", "merging.mp4", "slow.mp4", "queued.mp4"]),
        ("done", ["done.mp4", "sound.mp4"]),
        ("failed", ["crashed.mp4", "refused.mp4"]),
        ("other", ["expired.mp4", "cancelled.mp4"]),
    ],
)
def test_a_filter_has_an_address(page: Page, stocked: Watched, key: str, found: list[str]) -> None:
    page.goto(f"{stocked.url}/jobs?state={key}")
    expect(tiles(page)).to_have_count(len(found))
    assert names(page) == found
    expect(page.get_by_role("navigation", name="Filter by state").locator("[aria-current]")).to_have_text(key.title())


def test_filters_are_followed_without_loading_the_page_anew(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/jobs")
    expect(tiles(page)).to_have_count(10)
    page.evaluate("window.isSame = true")
    page.get_by_role("link", name="Failed").click()
    expect(tiles(page)).to_have_count(2)
    page.go_back()
    expect(tiles(page)).to_have_count(10)
    assert page.evaluate("window.isSame")


def test_names_are_looked_for_among_what_is_loaded(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/jobs")
    expect(tiles(page)).to_have_count(10)
    page.get_by_role("searchbox").fill("MP4 ed")
    assert sorted(names(page)) == ["cancelled.mp4", "crashed.mp4", "expired.mp4", "queued.mp4", "refused.mp4"]
    page.get_by_role("searchbox").fill("nobody")
    expect(page.get_by_text("No name here has “nobody” in it.")).to_be_visible()
    page.get_by_role("button", name="Show all names").click()
    expect(tiles(page)).to_have_count(10)


def test_an_erased_tile_goes_and_the_next_one_has_the_focus(page: Page, stocked: Watched) -> None:
    gone, left = stocked.job("done", "gone.mp4"), names
    page.goto(f"{stocked.url}/jobs?state=done")
    page.get_by_role("button", name="Erase: gone.mp4").click()
    page.get_by_role("button", name="Keep it").click()
    expect(tiles(page)).to_have_count(3)
    page.get_by_role("button", name="Erase: gone.mp4").click()
    page.get_by_role("button", name="Erase it").click()
    expect(tiles(page)).to_have_count(2)
    assert left(page) == ["done.mp4", "sound.mp4"]
    expect(page.get_by_role("link", name="done.mp4")).to_be_focused()
    assert stocked.state_of(gone.id) in ("erasing", None)


def test_what_runs_is_looked_at_again_until_it_ends(page: Page, tmp_path_factory: pytest.TempPathFactory) -> None:
    with watched(tmp_path_factory.mktemp("running") / "home") as server:
        job = server.job("merging", "ride.mp4")
        page.goto(f"{server.url}/jobs")
        expect(tiles(page)).to_contain_text("Cutting the reel")
        server.cloud.jobs.update(job.id, lambda now: server.done(now, picture=True))
        expect(tiles(page)).to_contain_text("0:42 of 25:30", timeout=SOON_MS)
        page.goto("about:blank")


def test_a_thousand_jobs_are_shown_a_page_at_a_time_and_stay_quick(
    page: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with watched(tmp_path_factory.mktemp("many") / "home") as server:
        first = server.job("done", "reel 0.mp4")
        for number in range(1, 1000):
            made = replace(first, id=new_id(), created_at=first.created_at + number)
            assert server.cloud.jobs.create(replace(made, source=replace(made.source, file_name=f"reel {number}.mp4")))
        page.goto(f"{server.url}/jobs")
        expect(tiles(page)).to_have_count(60)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/links" in request.url else None)
        for count in range(120, 1020, 60):
            page.get_by_role("button", name="Show more").click()
            expect(page.locator(".tile")).to_have_count(min(1000, count))
        page.get_by_role("button", name="Show more").click()
        expect(page.locator(".tile")).to_have_count(1000)
        expect(page.get_by_role("button", name="Show more")).to_be_hidden()
        spent_ms = page.evaluate(
            """async () => {
              const search = document.querySelector("#tile-search");
              const from = performance.now();
              for (const text of ["1", "12", "123", ""]) {
                search.value = text;
                search.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
              }
              return (performance.now() - from) / 4;
            }"""
        )
        assert spent_ms < 250, spent_ms  # a bound for a busy machine, not the measure
        assert len(asked) < 400, "posters out of sight are not asked for"
        page.goto("about:blank")


def test_rows_of_several_states_come_newest_first_over_all_pages(page: Page, stocked: Watched) -> None:
    page.goto(f"{stocked.url}/jobs")
    pages = {
        "queued": [[9, 7], [1]],
        "merging": [[8, 3], [2]],
        "analysing": [[]],
    }
    shown = page.evaluate(
        """async (pages) => {
          const { PagedRows } = await import("/web/progress/paged_rows.js");
          const at = (hour) => new Date(Date.UTC(2026, 0, 1, hour)).toISOString();
          const rows = new PagedRows(async (state, token) => {
            const number = Number(token ?? 0);
            const next = number + 1 < pages[state].length ? String(number + 1) : null;
            const jobs = pages[state][number].map((hour) => ({ id: `${hour}`, state, created_at: at(hour) }));
            return { jobs, next_page_token: next };
          }, Object.keys(pages));
          const shown = [];
          while (rows.hasMore) { await rows.more(); shown.push(rows.rows().map((row) => Number(row.id))); }
          return shown;
        }""",
        json.loads(json.dumps(pages)),
    )
    assert shown == [[9, 8, 7], [9, 8, 7, 3], [9, 8, 7, 3, 2, 1]]
