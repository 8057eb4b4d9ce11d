"""Every state of the page, each made by hand or machine as it comes about: for pictures, and for what must hold in all.

The results are real ones. Once they are made, their home is served by a server that carries nothing along, so that what
is half done (an upload, the next reel) stays so for as long as somebody looks.
"""

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from playwright.sync_api import FilePayload, Locator, Page, expect

from shared.domain.job import Job
from tests.emulators.processes import free_port
from tests.web.cutting_relay import Line, cuttable
from tests.web.page_browser import Visit
from tests.web.served_page import served_page
from tests.web.watched import Kind, Watched, new_id, watched

MIB = 1024**2
READY_S = 240.0
SESSION, TALK = "raw_session_mixed_720p.mp4", "speech/dialogue_3spk.m4a"
TARGET_S = 30
NO_HANDLES = "delete window.showOpenFilePicker"  # else a click opens a picker that only a person can use
EVERY_KIND: tuple[Kind, ...] = (
    "awaiting", "queued", "analysing", "merging", "done", "sound", "refused", "crashed", "cancelled", "expired",
)  # fmt: skip
NAMES = (
    "Saturday morning at the velodrome, camera two.mov", "dog_fetch.mp4", "interview_ada_2026-05-04.m4a",
    "GX010042.MP4", "Sommerfest im Hof – alle Aufnahmen vom Nachmittag.mp4",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the states are shown on: servers, the line to one of them, jobs, and files to choose."""

    results: Watched
    line: Line
    """To the results' server."""
    full: Watched
    """With jobs of every kind."""
    bare: Watched
    """Without any job."""
    closed: Watched
    """That asks for a key."""
    session: str
    talk: str
    batches: dict[str, str]
    jobs: dict[str, str]
    film: Path
    second: Path
    notes: Path


@dataclass(frozen=True, kw_only=True)
class State:
    """One state: which part of the page it belongs to, and how to come there."""

    part: str
    name: str
    show: Callable[[Stage, Visit], None]
    is_failure: bool = False
    """Whether Chromium notes by itself that a request failed."""

    def __str__(self) -> str:
        return f"{self.part}-{self.name}"


STATES: list[State] = []
Show = Callable[[Stage, Visit], None]


def state(part: str, name: str, *, is_failure: bool = False) -> Callable[[Show], Show]:
    """Enlist a function that brings the page into a state."""

    def enlist(show: Show) -> Show:
        STATES.append(State(part=part, name=name, show=show, is_failure=is_failure))
        return show

    return enlist


@contextmanager
def stage(folder: Path, media_file: Callable[[str], Path]) -> Iterator[Stage]:
    """Make all that the states need below `folder`; results that are there from before are taken as they are."""
    made = folder / "made.json"
    if not made.is_file():
        made.write_text(json.dumps(_results(folder, media_file(SESSION), media_file(TALK))))
    ids = json.loads(made.read_text())
    front = free_port()
    with (
        watched(folder / "home", front=front) as results,
        cuttable(results.port, port=front) as line,
        watched(folder / "full") as full,
        watched(folder / "bare") as bare,
        watched(folder / "closed", require_keys=True) as closed,
    ):
        yield Stage(
            results=results, line=line, full=full, bare=bare, closed=closed, session=ids["session"], talk=ids["talk"],
            batches=_batches(full), jobs=_jobs(full),
            film=_noise(folder / "morning_ride.mp4", 40 * MIB),
            second=_noise(folder / "Saturday morning at the velodrome, camera two.mov", 20 * MIB),
            notes=_noise(folder / "notes.txt", 2000),
        )  # fmt: skip


def _results(folder: Path, session: Path, talk: Path) -> dict[str, str]:
    with served_page(folder) as here:
        ids = {
            "session": here.client.upload(session, options={"target_s": TARGET_S}),
            "talk": here.client.upload(talk, options={"keywords": ["time"]}),
        }
        for job_id in ids.values():
            here.client.wait(job_id, ["done"], timeout_s=READY_S)
    return ids


def _noise(path: Path, size_bytes: int) -> Path:
    path.write_bytes(random.Random(7).randbytes(size_bytes))
    return path


def _batches(full: Watched) -> dict[str, str]:
    every = new_id()
    names = [*NAMES, *[""] * len(EVERY_KIND)]
    ids = [full.job(kind, name, batch=every).id for kind, name in zip(EVERY_KIND, names, strict=False)]
    full.batch_of(every, *ids)
    over = full.batch("done", "sound", "done")
    return {"every": every, "done": over.id}


def _jobs(full: Watched) -> dict[str, str]:
    kinds: tuple[Kind, ...] = ("queued", "analysing", "slow", "refused", "crashed", "cancelled", "expired")
    ids: dict[str, str] = {kind: full.job(kind, f"{kind} ride.mp4").id for kind in kinds}
    for number in range(40):
        full.job("done", f"{number:02} {NAMES[number % len(NAMES)]}")
    return ids


def start_button(page: Page) -> Locator:
    """Return the button that begins the upload of what was chosen."""
    return page.get_by_role("button", name=re.compile(r"^Make (a reel|\d+ reels)$"))


def _opened(here: Watched, visitor: Visit, path: str) -> Page:
    visitor.url = here.url
    return visitor.goto(path)


def _chosen(stage: Stage, visitor: Visit, *files: Path) -> Page:
    page = _opened(stage.results, visitor, "/")
    page.set_input_files("main input[type=file]", list(files))
    expect(start_button(page)).to_be_visible()
    return page


@state("upload", "empty")
def show_empty(stage: Stage, visitor: Visit) -> None:
    _opened(stage.results, visitor, "/")


@state("upload", "chosen")
def show_chosen(stage: Stage, visitor: Visit) -> None:
    page = _chosen(stage, visitor, stage.film, stage.second, stage.notes)
    expect(page.get_by_text("Left out: this is a text.")).to_be_visible()


@state("upload", "options")
def show_options(stage: Stage, visitor: Visit) -> None:
    page = _chosen(stage, visitor, stage.film)
    page.locator("summary").click()
    expect(page.get_by_label("Look for")).to_be_visible()


@state("upload", "refused", is_failure=True)
def show_refused_upload(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.results, visitor, "/")
    bad = FilePayload(name="turned\u202egp.mp4", mimeType="video/mp4", buffer=b"film")
    page.set_input_files("main input[type=file]", [bad])
    start_button(page).click()
    expect(page.get_by_text("1 file cannot be taken")).to_be_visible()


def _uploading(stage: Stage, visitor: Visit) -> Page:
    page = _chosen(stage, visitor, stage.film, stage.second)
    stage.line.bytes_per_s = 2e6
    page.on("dialog", lambda dialog: dialog.accept())  # that leaving breaks an upload off
    start_button(page).click()
    page.wait_for_url("**/batches/*")
    page.get_by_role("button", name=f"Pause: {stage.second.name}").click()
    expect(page.locator(".upload-row").first).to_contain_text(" left", timeout=15_000)
    return page


@state("upload", "sending")
def show_sending(stage: Stage, visitor: Visit) -> None:
    _uploading(stage, visitor)


@state("upload", "broken", is_failure=True)
def show_broken(stage: Stage, visitor: Visit) -> None:
    page = _uploading(stage, visitor)
    stage.line.is_down = True
    stage.line.cut()
    expect(page.get_by_role("button", name="Try now")).to_be_visible(timeout=15_000)


@state("upload", "interrupted")
def show_interrupted(stage: Stage, visitor: Visit) -> None:
    page = _uploading(stage, visitor)
    page.goto(stage.results.url)
    expect(page.get_by_role("heading", name="2 uploads were interrupted")).to_be_visible(timeout=15_000)


@state("upload", "interrupted-batch")
def show_interrupted_batch(stage: Stage, visitor: Visit) -> None:
    page = _uploading(stage, visitor)
    page.reload()
    expect(page.get_by_role("heading", name="2 uploads were interrupted")).to_be_visible(timeout=15_000)


@state("progress", "batch")
def show_batch(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.full, visitor, f"/batches/{stage.batches['every']}")
    expect(page.get_by_role("article")).to_have_count(len(EVERY_KIND))
    expect(page.get_by_text("Did not work out").first).to_be_visible()
    page.wait_for_timeout(400)  # details come one by one


@state("progress", "batch-done")
def show_batch_done(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.full, visitor, f"/batches/{stage.batches['done']}")
    expect(page.get_by_role("link", name="Open the reel")).to_have_count(3)


def _job_shown(stage: Stage, visitor: Visit, name: str, words: str) -> None:
    page = _opened(stage.full, visitor, f"/jobs/{stage.jobs[name]}")
    expect(page.get_by_role("article")).to_contain_text(words)


@state("progress", "job")
def show_running(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "analysing", "57 %")


@state("progress", "queued")
def show_queued(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "queued", "Waiting its turn")


@state("progress", "slow")
def show_slow(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "slow", "has stood still")


def _result(stage: Stage, visitor: Visit, job_id: str) -> Page:
    page = _opened(stage.results, visitor, f"/jobs/{job_id}")
    expect(page.locator(".result-facts")).to_contain_text("Revision 1", timeout=15_000)
    expect(page.get_by_label("The reel", exact=True)).to_have_js_property("readyState", 4, timeout=15_000)
    expect(page.locator(".bone:visible")).to_have_count(0)
    return page


@state("result", "film")
def show_film(stage: Stage, visitor: Visit) -> None:
    page = _result(stage, visitor, stage.session)
    page.get_by_text("More files").click()


@state("result", "talk")
def show_talk(stage: Stage, visitor: Visit) -> None:
    page = _result(stage, visitor, stage.talk)
    expect(page.locator(".word").first).to_be_attached()


def _edited(stage: Stage, visitor: Visit) -> Page:
    page = _result(stage, visitor, stage.session)
    rows = page.get_by_role("list", name="In the reel", exact=True).get_by_role("listitem")
    rows.nth(0).get_by_role("switch").click()
    rows.nth(0).get_by_role("button", expanded=False).click()
    expect(page.get_by_role("button", name="Render again")).to_be_enabled()
    return page


@state("result", "edited")
def show_edited(stage: Stage, visitor: Visit) -> None:
    _edited(stage, visitor)


@state("result", "rendering")
def show_rendering(stage: Stage, visitor: Visit) -> None:
    kept = stage.results.cloud.jobs.get(stage.session)
    page = _edited(stage, visitor)
    visitor.at_the_end.append(lambda: stage.results.cloud.jobs.update(kept.id, lambda _: kept))
    page.get_by_role("button", name="Render again").click()
    meter = page.get_by_role("progressbar", name="Rendering again")
    expect(page.get_by_text("Rendering the new reel")).to_be_visible(timeout=15_000)
    stage.results.cloud.jobs.update(kept.id, _half_rendered)  # nobody carries it along
    expect(meter).not_to_have_attribute("aria-valuenow", "0", timeout=15_000)


def _half_rendered(job: Job) -> Job:
    merge = replace(job.stages["merge"], state="launched", run_id="m", told_percent=40, ended_at=None)
    return replace(job, state="merging", stages={**job.stages, "merge": merge})


@state("result", "source")
def show_source(stage: Stage, visitor: Visit) -> None:
    page = _result(stage, visitor, stage.session)
    page.get_by_role("button", name="Source", exact=True).click()
    expect(page.get_by_label("The source", exact=True)).to_be_visible()
    expect(page.get_by_label("The source", exact=True)).to_have_js_property("readyState", 4, timeout=15_000)


@state("error", "bad-input")
def show_bad_input(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "refused", "no moving picture")


@state("error", "broke-off")
def show_broke_off(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "crashed", "broke off")


@state("error", "stopped")
def show_stopped(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "cancelled", "It was stopped")


@state("error", "expired")
def show_expired(stage: Stage, visitor: Visit) -> None:
    _job_shown(stage, visitor, "expired", "Upload it again")


@state("error", "unknown-batch", is_failure=True)
def show_unknown_batch(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.bare, visitor, "/batches/none")
    expect(page.get_by_role("heading", level=1)).to_contain_text("no such batch")


@state("error", "unknown-job", is_failure=True)
def show_unknown_job(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.bare, visitor, "/jobs/none")
    expect(page.get_by_role("heading", level=1)).to_contain_text("no such reel")


@state("error", "not-found", is_failure=True)
def show_not_found(stage: Stage, visitor: Visit) -> None:
    # The server has no page there; who is on the page already comes there by a link.
    page = _opened(stage.bare, visitor, "/jobs")
    expect(page.get_by_role("heading", name="No reels yet")).to_be_visible()
    page.evaluate("history.pushState(null, '', '/nothing'); dispatchEvent(new PopStateEvent('popstate'))")
    expect(page.get_by_role("heading", level=1)).to_contain_text("nothing at this address")


@state("error", "key", is_failure=True)
def show_key(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.closed, visitor, "/jobs")
    expect(page.get_by_role("dialog")).to_be_visible()


@state("error", "no-key", is_failure=True)
def show_no_key(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.closed, visitor, "/jobs")
    page.get_by_role("button", name="Not now").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("A key is needed")


@state("error", "offline", is_failure=True)
def show_offline(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.full, visitor, f"/jobs/{stage.jobs['analysing']}")
    expect(page.get_by_role("article")).to_contain_text("57 %")
    visitor.context.set_offline(True)
    expect(page.get_by_role("status").filter(has_text="cannot be reached")).to_be_visible(timeout=15_000)


@state("empty", "overview")
def show_no_jobs(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.bare, visitor, "/jobs")
    expect(page.get_by_role("heading", name="No reels yet")).to_be_visible()


@state("empty", "filtered")
def show_nothing_filtered(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.bare, visitor, "/jobs?state=failed")
    expect(page.get_by_role("link", name="Show all")).to_be_visible()


@state("empty", "erased")
def show_erased_batch(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.bare, visitor, f"/batches/{stage.bare.batch_of(new_id(), new_id()).id}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("are erased")


@state("overview", "many")
def show_many(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.full, visitor, "/jobs")
    expect(page.locator(".tile").nth(50)).to_be_attached()
    expect(page.locator(".tile img").first).to_be_visible()


@state("overview", "erase")
def show_erase(stage: Stage, visitor: Visit) -> None:
    page = _opened(stage.full, visitor, "/jobs?state=done")
    page.get_by_role("button", name=re.compile("^Erase: ")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()


@contextmanager
def shown(stage: Stage, state: State, visitor: Visit) -> Iterator[Page]:
    """Yield the page in a state; afterwards all is as before."""
    visitor.context.add_init_script(NO_HANDLES)
    line = stage.line
    line.bytes_per_s, line.is_down = 1e9, False
    try:
        state.show(stage, visitor)
        yield visitor.page
    finally:
        line.is_down, line.bytes_per_s = False, 1e9
        for undo in visitor.at_the_end:
            undo()
