"""Uploading from the page, in a real browser, through a line that breaks."""

import hashlib
import json
import os
import random
import re
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, expect

from shared.domain.speech_languages import SPEECH_LANGUAGES
from shared.settings import Settings
from tests.emulators.processes import free_port, server
from tests.web.cutting_relay import Line, cuttable
from tests.web.page_browser import AXE, chromium

ROOT = Path(__file__).parents[2]
MIB = 1024**2
PART_BYTES = 8 * MIB
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
NO_HANDLES = "delete window.showOpenFilePicker"  # else a click opens a picker that only a person can use
SHOW_ROWS = """async () => {
    const ofPage = (name) => import(new URL(name, document.querySelector("script[type=module]").src));
    const { uploads } = await ofPage("uploading/upload_store.js");
    const { mountUploadRow } = await ofPage("uploading/upload_row.js");
    const { mountUploadsSummary } = await ofPage("uploading/uploads_summary.js");
    const { h } = await ofPage("dom.js");
    const root = h("section", { id: "rows", class: "card stack" });
    document.getElementById("view").replaceChildren(root);
    mountUploadsSummary(root);
    for (const { job, name } of uploads.all()) {
        const one = h("div", {}, h("h3", {}, name));
        root.append(one);
        mountUploadRow(one, job);
    }
}"""
"""What the view of a batch shows of the uploads, without what else it shows."""


PICK_FROM_ITS_OWN_FILES = """async () => {
    const folder = await navigator.storage.getDirectory();
    const handle = await folder.getFileHandle("kept.mp4", { create: true });
    const writable = await handle.createWritable();
    await writable.write(new Uint8Array(24 * 1024 ** 2).fill(7));
    await writable.close();
    window.showOpenFilePicker = async () => [handle];
}"""
"""A handle like a picker's, of a file that needs no person to be chosen."""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A server, the line to it, and a browser."""

    url: str
    line: Line
    browser: Browser

    def ask(self, path: str) -> Any:
        """Return what the API answers."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=30) as answer:
            return json.load(answer)

    def hash_of_source(self, job: str) -> str:
        """Return the SHA-256 of what has arrived of a job's file."""
        with urllib.request.urlopen(f"{self.url}/v1/jobs/{job}/artifacts/source", timeout=30) as answer:
            return hashlib.sha256(answer.read()).hexdigest()

    @contextmanager
    def context(self, *, scheme: Any = "light", size: str = "desktop") -> Iterator[BrowserContext]:
        """Yield a browser's fresh profile that takes nobody's word on the console."""
        width, height = SIZES[size]
        context = self.browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
        )
        context.set_default_timeout(20_000)
        context.add_init_script(NO_HANDLES)
        said: list[str] = []
        context.on("console", lambda message: said.extend(_unexpected(message)))
        context.on("weberror", lambda error: said.append(str(error.error)))
        yield context
        context.close()
        assert said == []


def _unexpected(message: ConsoleMessage) -> list[str]:
    """Return what a message says but for what Chromium itself notes about requests that failed."""
    return [] if message.text.startswith("Failed to load resource") else [message.text]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("upload")
    port, front = free_port(), free_port()
    url = f"http://127.0.0.1:{front}"
    environment = {
        "MONTAGE_HOME": str(folder / "home"),
        "MONTAGE_MODELS": str(Settings().models),
        "MONTAGE_PUBLIC_URL": url,
        "MONTAGE_MAX_FILES_PER_BATCH": "5",
        "MONTAGE_UPLOAD_URL_EXPIRES_S": "2",  # what waits for its turn is announced once more
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
    }
    command = [sys.executable, "-m", "functions.local.montage", "serve", "--port", str(port)]
    with (
        server(command, log=folder / "serve.log", port=port, environment=environment),
        cuttable(port, port=front) as line,
        chromium() as browser,
    ):
        yield Served(url=url, line=line, browser=browser)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file of 40 MiB, no two parts of which are alike."""
    path = tmp_path / "ride.mp4"
    path.write_bytes(random.Random(7).randbytes(40 * MIB))
    return path


@pytest.fixture
def line(served: Served) -> Iterator[Line]:
    """The line as it is when nothing is wrong."""
    line = served.line
    line.sent_bytes, line.cut_at_bytes, line.is_down, line.bytes_per_s = 0, float("inf"), False, 20e6
    yield line
    line.cut_at_bytes, line.is_down = float("inf"), False


def announced(page: Page, *files: Any) -> str:
    """Choose files, begin, and return their batch's id once the page shows it."""
    page.set_input_files("main input[type=file]", list(files))
    page.get_by_role("button", name=re.compile(r"^Make (a reel|\d+ reels)$")).click()
    page.wait_for_url("**/batches/*")
    return page.url.rsplit("/", 1)[1]


def test_the_page_knows_the_languages_that_montage_writes_down() -> None:
    rules = (ROOT / "functions/web/uploading/job_options.js").read_text(encoding="utf-8")
    listed = re.search(r"LANGUAGES = \((.*?)\)\.split", rules, re.DOTALL)
    assert listed is not None
    assert tuple("".join(re.findall(r'"([a-z ]+)"', listed[1])).split()) == SPEECH_LANGUAGES


@pytest.mark.slow
def test_an_upload_outlives_a_cut_and_a_reload_and_sends_no_more_than_a_part_twice(
    served: Served, line: Line, film: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "else" / "ride.mp4"
    wrong.parent.mkdir()
    wrong.write_bytes(film.read_bytes()[:-1])
    changed = tmp_path / "changed" / "ride.mp4"
    changed.parent.mkdir()
    changed.write_bytes(b"x" + film.read_bytes()[1:])
    with served.context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: accepted(dialog))
        page.goto(served.url)
        line.cut_at_bytes, line.bytes_per_s = 12 * MIB, 10e6
        batch = announced(page, film)
        job = served.ask(f"/v1/batches/{batch}")["jobs"][0]["id"]
        page.evaluate(SHOW_ROWS)
        expect(page.get_by_text("The connection broke; trying again")).to_be_visible()
        line.is_down = False
        page.get_by_role("button", name="Try now").click()
        bar = page.get_by_role("progressbar", name="Upload of ride.mp4")
        expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[67]\d"))
        page.goto(served.url)

        panel = page.get_by_role("region", name="Interrupted uploads")
        expect(panel.get_by_role("heading")).to_have_text("1 upload was interrupted")
        for path, sentence in ((wrong, "41,943,039 bytes"), (changed, "begins with other data")):
            choose_again(page, path)
            expect(panel.get_by_role("alert")).to_contain_text(sentence)
        choose_again(page, film)
        page.wait_for_url(f"**/batches/{batch}")
        page.evaluate(SHOW_ROWS)
        expect(page.locator(".upload-row[data-status=done]")).to_be_visible()
        expect(page.get_by_text("Uploaded", exact=True)).to_be_visible()
        page.goto(served.url)
        expect(page.get_by_role("button", name="Choose files")).to_be_visible()
        page.wait_for_timeout(300)
        assert page.get_by_text("interrupted").is_hidden()
    assert served.hash_of_source(job) == hashlib.sha256(film.read_bytes()).hexdigest()
    twice_bytes = line.sent_bytes - film.stat().st_size
    print(f"sent twice, and all requests' headers: {twice_bytes / MIB:.2f} MiB")
    assert twice_bytes <= PART_BYTES


def accepted(dialog: Dialog) -> None:
    assert dialog.type == "beforeunload"
    dialog.accept()


def choose_again(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose ride.mp4 again").click()
    chooser.value.set_files(path)


@pytest.mark.slow
def test_uploads_are_paused_resumed_and_cancelled(served: Served, line: Line, film: Path) -> None:
    other = film.with_name("walk.mov")
    other.write_bytes(random.Random(8).randbytes(20 * MIB))
    third = film.with_name("run.mp4")
    third.write_bytes(random.Random(9).randbytes(MIB))
    line.bytes_per_s = 4e6
    with served.context() as context:
        page = context.new_page()
        page.goto(served.url)
        batch = announced(page, film, other, third)
        page.evaluate(SHOW_ROWS)
        rows = page.locator(".upload-row")
        expect(rows.first).to_contain_text("MB/s")
        page.get_by_role("button", name="Pause all").click()
        expect(page.get_by_text("Paused", exact=True)).to_have_count(3)
        page.wait_for_timeout(2000)  # what is on its way arrives
        then_bytes = line.sent_bytes
        assert then_bytes < 50 * MIB
        page.wait_for_timeout(500)
        assert line.sent_bytes - then_bytes < 64 * 1024  # the page goes on asking how the batch gets on
        line.bytes_per_s = 40e6
        page.get_by_role("button", name="Cancel: ride.mp4").click()
        expect(rows.first).to_have_attribute("data-status", "cancelled")
        page.get_by_role("button", name="Resume all").click()
        expect(rows.nth(1)).to_have_attribute("data-status", "done")
        expect(rows.nth(2)).to_have_attribute("data-status", "done")
        page.wait_for_timeout(300)
    states = {each["name"]: each["state"] for each in served.ask(f"/v1/batches/{batch}")["jobs"]}
    assert states["ride.mp4"] == "cancelled"
    assert "awaiting_upload" not in states.values()


@pytest.mark.slow
def test_a_kept_handle_goes_on_with_one_click(served: Served, line: Line) -> None:
    line.bytes_per_s = 8e6
    with served.context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: accepted(dialog))
        page.goto(served.url)
        page.evaluate(PICK_FROM_ITS_OWN_FILES)
        page.get_by_role("button", name="Choose files").click()
        page.get_by_role("button", name="Make a reel").click()
        page.wait_for_url("**/batches/*")
        batch = page.url
        page.evaluate(SHOW_ROWS)
        bar = page.get_by_role("progressbar", name="Upload of kept.mp4")
        expect(bar).to_have_attribute("aria-valuenow", re.compile(r"[2-9]\d"))
        page.goto(served.url)
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(batch)
        page.evaluate(SHOW_ROWS)
        expect(page.locator(".upload-row[data-status=done]")).to_be_visible()


@pytest.mark.slow
def test_another_tab_leaves_an_upload_alone(served: Served, line: Line, film: Path) -> None:
    line.bytes_per_s = 4e6
    with served.context() as context:
        page = context.new_page()
        page.goto(served.url)
        announced(page, film)
        other = context.new_page()
        other.goto(served.url)
        expect(other.get_by_text("Another tab is sending it.")).to_be_visible()
        page.evaluate(SHOW_ROWS)
        page.get_by_role("button", name="Cancel: ride.mp4").click()
        expect(page.locator(".upload-row[data-status=cancelled]")).to_be_visible()
        other.reload()
        expect(other.get_by_role("button", name="Choose files")).to_be_visible()
        expect(other.get_by_text("Another tab")).to_be_hidden()


@pytest.mark.slow
def test_refusals_are_told_where_they_can_be_mended(served: Served, line: Line) -> None:
    def named(name: str, kind: str = "video/mp4") -> Any:
        return {"name": name, "mimeType": kind, "buffer": os.urandom(2000)}

    with served.context() as context:
        page = context.new_page()
        page.goto(served.url)
        page.set_input_files("main input[type=file]", [named("notes.txt", "text/plain"), named("turned\u202egp.mp4")])
        expect(page.get_by_text("Left out: this is a text.")).to_be_visible()
        begin = page.get_by_role("button", name="Make a reel")
        begin.click()
        expect(page.get_by_text("1 file cannot be taken")).to_be_visible()
        expect(begin).to_be_disabled()
        page.set_input_files("main input[type=file]", [named("ride.mp4")])
        page.get_by_role("button", name="Go on without it").click()
        page.locator("summary").click()
        page.get_by_label("Names and terms").fill("<|en|>")
        begin.click()
        field = page.get_by_label("Names and terms")
        expect(field).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#option-vocabulary-fault")).to_contain_text("must have no <|")
        field.fill("Ada Lovelace")
        page.get_by_label("Look for").select_option("speech")
        page.set_input_files("main input[type=file]", [named(f"many{at}.mp4") for at in range(5)])
        page.get_by_role("button", name="Make 6 reels").click()
        expect(page.get_by_role("alert").filter(has_text="5 are the most in one batch")).to_be_visible()
        page.get_by_role("button", name="Remove many4.mp4").click()
        line.is_down = True
        line.cut()
        page.get_by_role("button", name="Make 5 reels").click()
        expect(page.get_by_text("Montage does not answer.")).to_be_visible()
        line.is_down = False
        page.get_by_role("button", name="Make 5 reels").click()
        page.wait_for_url("**/batches/*")
        job = served.ask(f"/v1/batches/{page.url.rsplit('/', 1)[1]}")["jobs"][0]["id"]
        page.goto(served.url)
        page.set_input_files("main input[type=file]", [named("again.mp4")])
        expect(page.locator("#option-mode")).to_have_value("speech")
    options = served.ask(f"/v1/jobs/{job}")["options"]
    assert (options["mode"], options["vocabulary"]) == ("speech", ["Ada Lovelace"])


@pytest.mark.slow
def test_a_dropped_folder_is_read_to_its_last_film(served: Served, line: Line, tmp_path: Path) -> None:
    folder = tmp_path / "card"
    for name in ("DCIM/100/one.mp4", "DCIM/100/one.thm", "DCIM/101/deep/two.mts", "three.mov", ".hidden.mp4"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"film")
    with served.context() as context:
        page = context.new_page()
        page.goto(served.url)
        devices = context.new_cdp_session(page)
        where = {"x": 40, "y": 700, "data": {"items": [], "files": [str(folder)], "dragOperationsMask": 1}}
        for kind in ("dragEnter", "dragOver"):
            devices.send("Input.dispatchDragEvent", {"type": kind, **where})
        expect(page.get_by_text("Let go to add them")).to_be_visible()
        devices.send("Input.dispatchDragEvent", {"type": "drop", **where})
        expect(page.get_by_role("heading", name="3 files")).to_be_visible()
        expect(page.get_by_role("list", name="Chosen files")).to_contain_text("two.mts")
        expect(page.locator(".chosen-says").last).to_contain_text("2 other files in the folder are no footage")
        expect(page.get_by_text("Let go to add them")).to_be_hidden()


@pytest.mark.slow
def test_every_state_is_fit_to_be_seen(served: Served, line: Line, film: Path, tmp_path: Path) -> None:
    """Pictures of each are in MONTAGE_SHOTS, where that is set, else thrown away."""
    folder = Path(os.environ.get("MONTAGE_SHOTS") or tmp_path / "shots")
    folder.mkdir(parents=True, exist_ok=True)
    other = film.with_name("Saturday morning at the velodrome, camera two.mov")
    other.write_bytes(random.Random(8).randbytes(20 * MIB))
    notes = film.with_name("notes.txt")
    notes.write_text("No film.")
    with served.context() as context:
        page = context.new_page()
        page.on("dialog", lambda dialog: accepted(dialog))
        page.goto(served.url)
        show(page, folder, "empty")
        page.set_input_files("main input[type=file]", [film, other, notes])
        show(page, folder, "chosen")
        page.locator("summary").click()
        show(page, folder, "options")
        page.get_by_role("button", name="Remove all").click()
        line.bytes_per_s = 2e6
        announced(page, film, other)
        page.evaluate(SHOW_ROWS)
        page.get_by_role("button", name=f"Pause: {other.name}").click()
        expect(page.locator(".upload-row").first).to_contain_text("left")
        show(page, folder, "uploading")
        line.is_down = True
        line.cut()
        expect(page.get_by_role("button", name="Try now")).to_be_visible()
        show(page, folder, "broken")
        line.is_down = False
        page.goto(served.url)
        expect(page.get_by_role("heading", name="2 uploads were interrupted")).to_be_visible()
        show(page, folder, "unfinished")


def show(page: Page, folder: Path, name: str) -> None:
    """Take pictures of a state, and find nothing in it that keeps anybody out."""
    for size, (width, height) in {**SIZES, "narrow": (360, 740)}.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is too wide: {size}"
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=folder / f"upload-{name}-{size}-{scheme}.png")
            if size == "phone":
                assert faults_of(page) == [], f"{name}, {scheme}"


def faults_of(page: Page) -> list[str]:
    """Return what axe-core finds that is serious."""
    assert AXE.is_file(), "axe-core is missing: npm ci in tests/web"
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [each for each in found["violations"] if each["impact"] in ("serious", "critical")]
    return [f"{each['id']}: {each['nodes'][0]['html']}" for each in serious]
