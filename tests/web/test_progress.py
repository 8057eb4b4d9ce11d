"""What somebody watches after uploading: a batch, its files, one job; and the words they are told in."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from shared.domain.edit_list import Join
from shared.domain.job import Edit, Job
from tests.web.page_browser import chromium
from tests.web.watched import DAMAGE, Watched, new_id, quiet_page, watched

pytestmark = pytest.mark.slow
SOON_MS = 8000
"""Two rounds and a busy machine."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with watched(tmp_path_factory.mktemp("watched") / "home") as server:
        yield server


@pytest.fixture
def page(browser: Browser, server: Watched) -> Iterator[Page]:
    """A page that must say nothing to the console."""
    page, said = quiet_page(browser)
    yield page
    page.close()
    assert not said


@pytest.fixture(scope="module")
def blank(browser: Browser, server: Watched) -> Iterator[Page]:
    """A page to evaluate modules in."""
    page, _ = quiet_page(browser)
    page.goto(f"{server.url}/jobs")
    yield page
    page.close()


def told(blank: Page, module: str, name: str, *arguments: Any) -> Any:
    """Call what a module exports and return what it answers."""
    given = json.dumps(arguments)
    return blank.evaluate(f"async () => (await import('/web/progress/{module}.js')).{name}(...{given})")


def plain(sentence: str) -> str:
    """Return a sentence whose lines may break everywhere."""
    return sentence.replace("\N{NO-BREAK SPACE}", " ")


def card(page: Page, name: str) -> Any:
    return page.get_by_role("article", name=name)


def stage(state: str, **more: Any) -> dict[str, Any]:
    return {"state": state, "progress": 0.5, "chunks": 8, "done": 3, "running": 1, "failed": 0, "slowest": None, **more}


def standing(still_for_s: float, span_s: list[float] | None) -> dict[str, Any]:
    return {"name": "pose-00001", "position": 0.5, "still_for_s": still_for_s, "source_span_s": span_s}


def test_a_part_that_stands_still_is_told_of_with_its_minutes(blank: Page) -> None:
    slow = stage("launched", slowest=standing(45.2, [720.0, 780.0]))
    sentence = told(blank, "wording", "slowSentence", "pose", slow)
    assert plain(sentence) == "Minute 12:00–13:00 has stood still for 45 s; it is tried again by itself after 180 s."


@pytest.mark.parametrize(
    ("still_for_s", "span_s", "words"),
    [
        (20.0, [0.0, 60.0], None),
        (21.0, None, "The cut has stood still for 21 s"),
        (200.0, None, "it is being tried again by itself."),
    ],
)
def test_only_what_stands_still_for_long_is_slow(
    blank: Page, still_for_s: float, span_s: list[float] | None, words: str | None
) -> None:
    sentence = told(blank, "wording", "slowSentence", "merge", stage("launched", slowest=standing(still_for_s, span_s)))
    assert plain(sentence or "") == "" if words is None else words in plain(sentence)


@pytest.mark.parametrize(
    ("name", "state", "mode", "words"),
    [
        ("pose", "skipped", "auto", "skipped: no picture"),
        ("pose", "skipped", "speech", "skipped: not asked for"),
        ("transcribe", "skipped", "auto", "skipped: no sound"),
        ("transcribe", "skipped", "motion", "skipped: not asked for"),
        ("transcribe", "failed_soft", "auto", "left out: it could not be done"),
        ("pose", "launched", "auto", "50 % · 3 of 8 parts"),
        ("merge", "planned", "auto", "comes last"),
    ],
)
def test_a_stage_says_how_it_stands_and_why_it_is_skipped(
    blank: Page, name: str, state: str, mode: str, words: str
) -> None:
    assert told(blank, "wording", "stageStanding", name, stage(state), {"options": {"mode": mode}}) == words


def test_a_batch_is_one_line(blank: Page) -> None:
    def line(*jobs: tuple[str, float, float | None]) -> Any:
        return told(
            blank,
            "wording",
            "batchWords",
            [{"state": state, "share": share, "leftS": left} for state, share, left in jobs],
        )

    done = ("done", 1, None)
    assert line(done, done, done, ("analysing", 0.5, 240), ("merging", 0.5, 10)) == {
        "text": "3 of 5 done, about 4 min left", "share": 0.8, "isEnded": False,
    }  # fmt: skip
    assert line(done, ("failed", 0, None))["text"] == "1 of 2 done, 1 did not work out"
    assert line(done, ("queued", 0, None), ("merging", 0.5, 30))["text"] == "1 of 3 done, at least 30 s left"
    assert line(("awaiting_upload", 0, None))["text"] == "0 of 1 done, 1 file still to arrive"
    assert line(done)["isEnded"]


def test_every_code_that_a_source_can_be_refused_with_has_advice_of_its_own(blank: Page) -> None:
    root = Path(__file__).parents[2]
    codes = set()
    for path in (file for top in ("jobs", "shared") for file in (root / top).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        codes |= set(re.findall(r'BadVideo\(\s*"([a-z_]+)"', text))
        codes |= set(re.findall(r'Failure\(\s*code="([a-z_]+)"', text))
    assert {"no_video_stream", "truncated", "too_long", "crashed_worker"} <= codes
    general = {told(blank, "advice", "adviceFor", {"code": "new", "is_input": side})["title"] for side in (True, False)}
    without = {code for code in codes if told(blank, "advice", "adviceFor", {"code": code})["title"] in general}
    assert without <= {"internal"}


def test_a_cause_is_told_without_the_name_and_without_other_advice(blank: Page) -> None:
    error = {
        "code": "too_short",
        "message": "a.mp4: only 0.40 s of picture, at least 1 s are needed; use a longer one.",
    }
    assert told(blank, "advice", "causeOf", error, "a.mp4") == "Only 0.40 s of picture, at least 1 s are needed."
    assert told(blank, "advice", "causeOf", {**error, "code": "new"}, "b.mp4").startswith("A.mp4: only")


def test_those_on_screen_are_asked_for_first_then_the_longest_unasked(blank: Page) -> None:
    chosen = blank.evaluate(
        """async () => {
          const { pickDetails } = await import("/web/progress/pick_details.js");
          const rows = ["a", "b", "c", "d", "e"].map((id) => ({ id, state: id === "e" ? "done" : "analysing" }));
          const askedAt = (id) => ({ a: 5, b: 0, d: 2 })[id] ?? 9;
          const known = { isOnScreen: (id) => id === "c", askedAt, heldState: () => "done" };
          return pickDetails(rows, known, 3);
        }"""
    )
    assert chosen == ["c", "b", "d"]


def test_a_bar_goes_back_only_for_another_attempt(blank: Page) -> None:
    shown = blank.evaluate(
        """async () => {
          const { NeverBackwards } = await import("/web/progress/never_backwards.js");
          const shares = new NeverBackwards();
          const told = [["1.1", 0.5], ["1.1", 0.3], ["1.1", 0.6], ["2.1", 0.1]];
          return told.map(([run, share]) => shares.shown("a", run, share));
        }"""
    )
    assert shown == [0.5, 0.5, 0.6, 0.1]


def test_trouble_slows_asking_down_and_what_the_server_wants_counts(blank: Page) -> None:
    def pace(failures: int, how: dict[str, Any]) -> Any:
        return told(blank, "pace", "paceAfterFailure", failures, how)

    assert [pace(failures, {"isHidden": False}) for failures in (1, 2, 3, 9)] == [2000, 4000, 8000, 30000]
    assert pace(1, {"isHidden": False, "retryAfterS": 12}) == 12000
    assert pace(1, {"isHidden": True}) == 10000
    assert told(blank, "pace", "paceAfterAnswer", 2000, True) == 10000


def test_a_batch_shows_each_file_in_its_own_words(page: Page, server: Watched) -> None:
    batch = server.batch("done", "slow", "merging", "refused", "crashed", "queued", "awaiting", "cancelled", "expired")
    server.cloud.jobs.update(batch.job_ids[0], lambda job: replace(job, warnings=(DAMAGE,)))
    page.goto(f"{server.url}/batches/{batch.id}")
    expect(card(page, "done.mp4")).to_contain_text("0:42 of 25:30")
    expect(card(page, "done.mp4")).to_contain_text("3.2 s of it are lost")
    expect(card(page, "done.mp4").locator("img")).to_be_visible()
    expect(card(page, "slow.mp4")).to_contain_text("Minute 12:00–16:00 has stood still for 4")
    expect(card(page, "slow.mp4")).to_contain_text("57 % · 3 of 7 parts")
    expect(card(page, "merging.mp4")).to_contain_text("skipped: no sound")
    expect(card(page, "refused.mp4")).to_contain_text("There is no moving picture in it")
    expect(card(page, "refused.mp4").get_by_role("button", name="Try")).to_have_count(0)
    expect(card(page, "crashed.mp4").get_by_role("button", name="Try again: crashed.mp4")).to_be_visible()
    expect(card(page, "queued.mp4")).to_contain_text("Waiting its turn")
    expect(card(page, "awaiting.mp4")).to_contain_text("choose the same file here again")
    expect(card(page, "cancelled.mp4")).to_contain_text("It was stopped")
    expect(card(page, "expired.mp4")).to_contain_text("Never arrived")
    expect(page.locator(".batch-line")).to_contain_text("1 of 9 done, 2 did not work out, 2 stopped")
    expect(page).to_have_title(re.compile(r"^\d+ % – 9 files"))


def test_what_changes_changes_in_place(page: Page, server: Watched) -> None:
    job = server.job("analysing", "ride.mp4", batch=(batch_id := new_id()))
    server.batch_of(batch_id, job.id)
    page.goto(f"{server.url}/batches/{batch_id}")
    bar = page.get_by_role("progressbar", name="Looking for movement")
    expect(bar).to_have_attribute("aria-valuenow", "57")
    page.get_by_role("button", name="Cancel: ride.mp4").click()
    expect(page.get_by_role("button", name="Keep going: ride.mp4")).to_be_focused()
    page.evaluate("window.before = document.querySelector('.job-card')")
    server.work_on_next(job, "pose", 5)
    expect(bar).to_have_attribute("aria-valuenow", "71", timeout=SOON_MS)
    expect(page.get_by_role("button", name="Keep going: ride.mp4")).to_be_focused()
    assert page.evaluate("window.before === document.querySelector('.job-card')")


def test_nobody_is_asked_once_all_has_ended(page: Page, server: Watched) -> None:
    batch = server.batch("done", "refused")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/v1/" in request.url else None)
    page.goto(f"{server.url}/batches/{batch.id}")
    expect(card(page, "refused.mp4")).to_contain_text("No video stream")
    expect(card(page, "done.mp4").locator("img")).to_be_visible()
    page.wait_for_timeout(300)
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []
    expect(page).to_have_title("1 of 2 done, 1 did not work out – 2 files · Montage")


def test_a_stopped_job_is_cancelled_and_a_failed_one_runs_again(page: Page, server: Watched) -> None:
    batch = server.batch("analysing", "crashed")
    page.goto(f"{server.url}/batches/{batch.id}")
    page.get_by_role("button", name="Cancel: analysing.mp4").click()
    page.get_by_role("button", name="Stop it: analysing.mp4").click()
    expect(card(page, "analysing.mp4")).to_contain_text("It was stopped", timeout=SOON_MS)
    page.get_by_role("button", name="Try again: crashed.mp4").click()
    # The bytes put there for it are no video, and so it has failed again before the answer is there.
    expect(card(page, "crashed.mp4")).to_contain_text("This is no video we know", timeout=SOON_MS)
    expect(page.get_by_role("button", name="Erase: crashed.mp4")).to_be_enabled()
    assert server.cloud.jobs.get(batch.job_ids[0]).state == "cancelled"
    assert server.cloud.jobs.get(batch.job_ids[1]).epoch == 2


def test_an_erased_job_leaves_the_batch(page: Page, server: Watched) -> None:
    batch = server.batch("done", "sound")
    page.goto(f"{server.url}/batches/{batch.id}")
    page.get_by_role("button", name="Erase: done.mp4").click()
    expect(page.get_by_role("dialog")).to_contain_text("This cannot be undone")
    expect(page.get_by_role("button", name="Keep it")).to_be_focused()
    page.get_by_role("button", name="Erase it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(card(page, "sound.mp4").locator(".poster.sound")).to_be_visible()
    assert server.state_of(batch.job_ids[0]) in ("erasing", None)


def test_trouble_is_told_quietly_and_passes_by_itself(browser: Browser, server: Watched) -> None:
    page, _ = quiet_page(browser)  # the browser itself writes of lost connections
    batch = server.batch("analysing")
    page.goto(f"{server.url}/batches/{batch.id}")
    expect(card(page, "analysing.mp4")).to_contain_text("57 %")
    page.route("**/v1/**", lambda route: route.abort())
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible(timeout=SOON_MS)
    expect(card(page, "analysing.mp4")).to_contain_text("57 %")
    page.unroute("**/v1/**")
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_hidden(timeout=2 * SOON_MS)
    page.close()


def test_a_busy_server_is_left_alone_for_as_long_as_it_wants(browser: Browser, server: Watched) -> None:
    page, _ = quiet_page(browser)  # the browser itself writes of a 503
    batch = server.batch("analysing")
    asked: list[float] = []

    def busy(route: Route) -> None:
        asked.append(time.monotonic())
        if len(asked) == 1:
            problem = json.dumps({"code": "try_again", "detail": "Busy."})
            route.fulfill(status=503, headers={"Retry-After": "4"}, content_type="application/json", body=problem)
        else:
            route.continue_()

    page.route("**/v1/batches/**", busy)
    page.goto(f"{server.url}/batches/{batch.id}")
    expect(page.get_by_role("status").filter(has_text="busy just now")).to_be_visible()
    expect(card(page, "analysing.mp4")).to_contain_text("57 %", timeout=2 * SOON_MS)
    assert asked[1] - asked[0] > 3.9
    page.close()


def test_whoever_leaves_asks_no_more(page: Page, server: Watched) -> None:
    batch = server.batch("analysing")
    page.goto(f"{server.url}/batches/{batch.id}")
    expect(card(page, "analysing.mp4")).to_contain_text("57 %")
    asked: list[str] = []
    page.get_by_role("link", name="New reel", exact=True).click()
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not [url for url in asked if batch.id in url or batch.job_ids[0] in url]


@pytest.mark.parametrize(("path", "words"), [("batches/none", "no such batch"), ("jobs/none", "no such reel")])
def test_an_unknown_address_says_what_to_do(browser: Browser, server: Watched, path: str, words: str) -> None:
    page, _ = quiet_page(browser)  # the browser itself writes of a 404
    page.goto(f"{server.url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)
    expect(page.get_by_role("main").get_by_role("link", name="Make a reel")).to_be_visible()
    page.close()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("slow", "has stood still"),
        ("crashed", "The work broke off"),
        ("refused", "There is no moving picture in it"),
        ("cancelled", "It was stopped"),
        ("expired", "Upload it again"),
        ("erasing", "are being removed"),
    ],
)
def test_a_job_without_a_reel_says_why(page: Page, server: Watched, kind: Any, words: str) -> None:
    job = server.job(kind)
    page.goto(f"{server.url}/jobs/{job.id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{kind}.mp4")
    expect(page.get_by_role("article")).to_contain_text(words)


def test_the_result_stays_while_it_is_rendered_again(page: Page, server: Watched) -> None:
    job = server.job("done", "ride.mp4")
    server.cloud.jobs.update(job.id, _rendering_again)
    page.goto(f"{server.url}/jobs/{job.id}")
    expect(page).to_have_title("40 % – ride.mp4 · Montage")
    page.evaluate("window.before = document.querySelector('.result-place')")
    server.cloud.jobs.update(job.id, lambda now: replace(job, revision=2, rendered_revision=2))
    expect(page).to_have_title("ride.mp4 · Montage", timeout=SOON_MS)
    assert page.evaluate("window.before === document.querySelector('.result-place')")


def _rendering_again(job: Job) -> Job:
    merge = replace(job.stages["merge"], state="launched", told_percent=40, ended_at=None)
    edit = Edit(given="work/x", render="auto", join=Join())
    return replace(job, state="merging", revision=2, edit=edit, ended_at=None, stages={**job.stages, "merge": merge})
