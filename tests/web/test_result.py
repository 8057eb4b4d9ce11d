"""The result of a job as people use it: a real browser at a real server, with real jobs."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from shared.domain.object_names import source
from tests.api_client import ApiClient
from tests.api_places import Place, served
from tests.clips import ClipSpec, make_clip
from tests.web.page_browser import chromium

pytestmark = pytest.mark.slow

CLIPS = [{"start_s": 0.0, "end_s": 3.0}, {"start_s": 4.0, "end_s": 6.0}, {"start_s": 7.0, "end_s": 11.0}]
FILM_S = 12.0
REEL_S = 9.0
READY_S = 90.0


@dataclass(frozen=True, kw_only=True)
class Results:
    """A server with one job that has a picture, and one of speech alone."""

    place: Place
    client: ApiClient
    key: str
    film: str
    talk: str

    def render(self, clips: list[dict[str, float]]) -> None:
        """Make a reel of the film, as somebody else would."""
        answer = self.client.http.put(f"/v1/jobs/{self.film}/edit-list", json=clips, headers={"If-Match": "*"})
        assert answer.status_code < 300, answer.text
        self.client.wait(self.film, ["done"], timeout_s=READY_S)

    @property
    def reel_s(self) -> float:
        return float(self.client.job(self.film)["numbers"]["reel_s"])


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, media_file: Callable[[str], Path]) -> Iterator[Results]:
    folder = tmp_path_factory.mktemp("result")
    film = make_clip(folder, ClipSpec(seconds=FILM_S, size=(320, 180)))
    talk = media_file("speech/jfk.flac")
    with served(folder) as place:
        key = place.key("ada")
        with ApiClient(place.url, key) as client:
            film_id = client.upload(film, options={"mode": "motion", "render": "encode", "target_s": 8})
            talk_id = client.upload(talk, options={"mode": "speech", "keywords": ["country"]})
            for job_id in (film_id, talk_id):
                assert client.wait(job_id, ["done", "failed"], timeout_s=READY_S)["state"] == "done"
            yield Results(place=place, client=client, key=key, film=film_id, talk=talk_id)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium("--autoplay-policy=no-user-gesture-required") as started:
        yield started


@pytest.fixture
def film(browser: Browser, results: Results) -> Iterator[Page]:
    """The film's result, of three clips of 3, 2 and 4 seconds."""
    if abs(results.reel_s - REEL_S) > 0.1:
        results.render(CLIPS)
    with opened(browser, results, results.film) as page:
        expect(rows(page)).to_have_count(3)
        yield page


@pytest.fixture
def talk(browser: Browser, results: Results) -> Iterator[Page]:
    with opened(browser, results, results.talk) as page:
        yield page


@contextmanager
def opened(browser: Browser, results: Results, job_id: str) -> Iterator[Page]:
    """Yield the page of a job; nothing may be said on its console meanwhile but of refusals that a test asks for."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(f"sessionStorage.setItem('montage.key', {results.key!r})")
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{results.place.url}/jobs/{job_id}")
    yield page
    context.close()
    assert [each for each in said if "412" not in each and "410" not in each] == []


def rows(page: Page) -> Locator:
    return page.get_by_role("list", name="In the reel", exact=True).get_by_role("listitem")


def reel(page: Page) -> Locator:
    return page.get_by_label("The reel", exact=True)


def number(media: Locator, what: str) -> float:
    return float(media.evaluate(f"media => media.{what}"))


def playing(page: Page, label: str, after_s: float) -> None:
    """Wait until a player has gone past a time by playing."""
    page.wait_for_function(
        "([label, after]) => document.querySelector(`[aria-label='${label}']`).currentTime > after",
        arg=[label, after_s],
    )


def render_again(page: Page) -> None:
    page.get_by_role("button", name="Render again").click()


def rendered(page: Page, revision: int) -> None:
    expect(page.locator(".result-facts")).to_contain_text(f"Revision {revision}", timeout=READY_S * 1000)


def test_the_reel_plays_and_tells_where_in_the_source_it_is(film: Page) -> None:
    expect(reel(film)).to_have_js_property("readyState", 4)
    expect(film.get_by_role("button", name="Reel", exact=True, pressed=True)).to_be_visible()
    assert number(reel(film), "duration") == pytest.approx(REEL_S, abs=0.15)
    expect(film.locator(".result-facts")).to_contain_text("Reel 0:09 of 0:12")
    reel(film).evaluate("media => { media.currentTime = 3.5; return media.play(); }")
    playing(film, "The reel", 3.8)
    reel(film).evaluate("media => media.pause()")
    at_s = number(reel(film), "currentTime")
    expect(film.locator(".screen-line")).to_have_text(re.compile(rf"Source 0:0{int(at_s + 1)}\.\d"))


def test_a_highlight_plays_in_the_source_to_its_end(film: Page) -> None:
    rows(film).nth(1).get_by_role("button", name="Play highlight 2").click()
    played = film.get_by_label("The source", exact=True)
    expect(played).to_be_visible()
    playing(film, "The source", 4.2)
    expect(played).to_have_js_property("paused", True)
    assert number(played, "currentTime") == pytest.approx(6.0, abs=0.35)
    film.get_by_role("button", name="Reel", exact=True).click()
    expect(reel(film)).to_be_visible()


def test_keys_play_and_step_where_no_control_has_the_focus(film: Page) -> None:
    expect(reel(film)).to_have_js_property("readyState", 4)
    film.keyboard.press("l")
    film.keyboard.press("ArrowRight")
    assert number(reel(film), "currentTime") == pytest.approx(5 + 1 / 30, abs=0.01)
    film.keyboard.press("k")
    playing(film, "The reel", 5.2)
    film.keyboard.press("Space")
    expect(reel(film)).to_have_js_property("paused", True)


def test_what_is_switched_off_and_moved_is_rendered_again_as_a_shorter_reel_that_plays(
    film: Page, results: Results
) -> None:
    revision = results.client.job(results.film)["revision"]
    expect(film.get_by_text("of 0:08")).to_be_visible()
    expect(film.get_by_text("0:01 over")).to_be_visible()
    expect(film.get_by_role("button", name="Render again")).to_be_disabled()
    film.get_by_role("switch", name="highlight 2, in the reel").click()
    expect(rows(film)).to_have_count(2)
    expect(film.get_by_text("0:01 over")).to_be_hidden()
    rows(film).nth(0).get_by_role("button", expanded=False).click()
    rows(film).nth(0).get_by_role("button", name="Move highlight 1 down").click()
    expect(rows(film).nth(0)).to_contain_text("0:07 – 0:11")
    end = rows(film).nth(1).get_by_label("End")
    end.fill("0:02.5")
    end.press("Enter")
    render_again(film)
    rendered(film, revision + 1)
    assert results.reel_s == pytest.approx(6.5, abs=0.1)
    playing(film, "The reel", 0.3)
    assert number(reel(film), "duration") == pytest.approx(6.5, abs=0.15)
    film.get_by_role("button", name=f"Back to revision {revision}").click()
    expect(rows(film)).to_have_count(3)
    expect(film.get_by_role("button", name="Render again")).to_be_enabled()


def test_rows_are_dragged_to_another_place_and_undone(film: Page) -> None:
    first, last = rows(film).nth(0).locator(".highlight-grip"), rows(film).nth(2)
    grip, target = first.bounding_box(), last.bounding_box()
    assert grip is not None and target is not None
    film.mouse.move(grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2)
    film.mouse.down()
    film.mouse.move(target["x"] + 10, target["y"] + target["height"], steps=8)
    film.mouse.up()
    expect(rows(film).nth(2)).to_contain_text("0:00 – 0:03")
    film.keyboard.press("Control+z")
    expect(rows(film).nth(0)).to_contain_text("0:00 – 0:03")
    film.keyboard.press("Control+Shift+z")
    expect(rows(film).nth(2)).to_contain_text("0:00 – 0:03")
    film.get_by_role("button", name="Start over").click()
    expect(film.get_by_role("button", name="Start over")).to_be_disabled()


def test_an_edit_is_there_after_a_reload_until_it_is_discarded(film: Page) -> None:
    film.get_by_role("switch", name="highlight 3, in the reel").click()
    expect(rows(film)).to_have_count(2)
    film.reload()
    expect(film.get_by_text("Your edit from before the reload is here.")).to_be_visible()
    expect(rows(film)).to_have_count(2)
    film.get_by_role("button", name="Discard").click()
    expect(rows(film)).to_have_count(3)
    film.reload()
    expect(rows(film)).to_have_count(3)
    expect(film.get_by_text("Your edit from before the reload is here.")).to_be_hidden()


def test_who_was_not_first_keeps_the_edit_and_may_render_over_it(film: Page, results: Results) -> None:
    film.get_by_role("switch", name="highlight 1, in the reel").click()
    results.render(CLIPS[:1])
    revision = results.client.job(results.film)["revision"]
    if film.get_by_role("button", name="Render again").is_visible():  # else a poll has told already
        render_again(film)
    expect(film.get_by_text("Somebody else rendered")).to_be_visible()
    expect(rows(film)).to_have_count(2)
    film.get_by_role("button", name="Render mine over it").click()
    rendered(film, revision + 1)
    assert results.reel_s == pytest.approx(6.0, abs=0.1)


def test_what_somebody_else_rendered_can_be_taken(film: Page, results: Results) -> None:
    film.get_by_role("switch", name="highlight 1, in the reel").click()
    results.render(CLIPS[:1])
    if film.get_by_role("button", name="Render again").is_visible():
        render_again(film)
    film.get_by_role("button", name="Load theirs").dblclick()
    expect(rows(film)).to_have_count(1)
    expect(film.locator(".result-facts")).to_contain_text("Reel 0:03")
    expect(film.get_by_label("The reel", exact=True)).to_have_count(1)
    film.get_by_role("button", name="Undo").last.click()
    expect(rows(film)).to_have_count(2)


def test_a_new_reel_does_not_take_away_what_somebody_watches(film: Page, results: Results) -> None:
    revision = results.client.job(results.film)["revision"]
    film.get_by_role("switch", name="highlight 1, in the reel").click()
    rows(film).nth(0).get_by_role("button", name="Play highlight 1").click()
    render_again(film)
    rendered(film, revision + 1)
    expect(film.get_by_label("The source", exact=True)).to_be_visible()
    expect(reel(film)).to_have_js_property("paused", True)
    film.get_by_role("button", name="Watch it").click()
    expect(reel(film)).to_be_visible()
    playing(film, "The reel", 0.3)


def test_an_edit_of_an_earlier_revision_is_offered_and_not_written_over(film: Page, results: Results) -> None:
    revision = results.client.job(results.film)["revision"]
    film.get_by_role("switch", name="highlight 3, in the reel").click()
    film.goto(f"{results.place.url}/jobs")
    results.render(CLIPS[:1])
    film.go_back()
    expect(film.get_by_text(f"An edit of revision {revision} is kept.")).to_be_visible()
    expect(rows(film)).to_have_count(1)
    film.get_by_role("switch").last.click()
    film.reload()
    film.get_by_role("button", name="Use it").click()
    expect(rows(film)).to_have_count(2)


def test_what_is_said_is_searched_and_jumped_to(talk: Page) -> None:
    expect(talk.locator(".word").first).to_be_attached()
    talk.get_by_label("Search the transcript").fill("your COUNTRY")
    expect(talk.locator(".transcript-count")).to_have_text(re.compile(r"1 of [12]"))
    assert talk.locator(".word.is-found").count() >= 2
    talk.locator(".word.is-found").first.click()
    player = talk.locator("audio:visible")
    talk.wait_for_function("() => [...document.querySelectorAll('audio')].some(media => media.currentTime > 1)")
    expect(player).to_have_count(1)
    expect(talk.get_by_text("“country”").first).to_be_visible()
    talk.get_by_label("Search the transcript").fill("kickflip")
    expect(talk.locator(".transcript-count")).to_have_text("not said")


def test_a_sentence_is_added_by_keyboard_alone(talk: Page) -> None:
    expect(talk.locator(".word").first).to_be_attached()
    before = rows(talk).count()
    talk.locator(".sentence-time").first.focus()
    talk.keyboard.press("Shift+Enter")
    expect(talk.get_by_text("added by you").first).to_be_visible()
    expect(rows(talk)).to_have_count(before + 1)
    talk.keyboard.press("Tab")
    talk.keyboard.press("Enter")
    expect(rows(talk)).to_have_count(before + 2)


def test_a_wrong_time_is_told_what_a_right_one_looks_like(film: Page) -> None:
    rows(film).nth(0).get_by_role("button", expanded=False).click()
    end = rows(film).nth(0).get_by_label("End")
    expect(end).to_have_accessible_description("Such as 1:02.5")
    end.fill("1:75")
    end.press("Enter")
    expect(end).to_have_attribute("aria-invalid", "true")
    expect(rows(film).nth(0).locator(".fault:not(.visually-hidden)")).to_have_text("Such as 1:02.5")


def test_every_file_can_be_downloaded_by_its_link(film: Page, results: Results) -> None:
    film.get_by_text("More files").click()
    links = film.locator("a.download")
    expect(links.first).to_be_visible()
    names = results.client.job(results.film)["artifacts"]
    expect(links).to_have_count(len(names) + 1)  # and the source
    for link in links.all():
        address = link.get_attribute("href")
        assert address is not None and httpx.get(address).status_code == 200
    with film.expect_download() as download:
        links.first.click()
    assert download.value.suggested_filename == "clip-reel.mp4"


def test_without_its_source_a_result_can_be_watched_but_not_changed(browser: Browser, results: Results) -> None:
    results.place.cloud.uploads.delete(source(results.talk))
    with opened(browser, results, results.talk) as page:
        expect(page.get_by_text("The source of this reel is not kept any more")).to_be_visible()
        expect(page.get_by_role("button", name="Render again")).to_be_hidden()
        assert all(each.is_disabled() for each in page.get_by_role("switch").all())
