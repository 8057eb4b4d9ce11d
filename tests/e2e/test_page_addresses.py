"""What a page may do in a real browser: play, show, read and upload at signed addresses; and nothing else."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from PIL import Image
from playwright.sync_api import Browser, Page

from functions.local.object_routes import object_routes
from functions.local.run_jobs import new_job_id
from functions.v1.app import make_app
from functions.v1.context import Api
from shared.adapters.gcp.clients import GoogleClients
from shared.connect import connect_keys, connect_local, connect_signers
from shared.domain.api_key import ApiKey, Scope, hash_of, new_key
from shared.domain.job import Job, Source
from shared.domain.object_names import artifact, source
from shared.domain.options import Options
from shared.ports import Cloud
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.e2e.browser import running_browser, served_folder
from tests.emulators.bucket_cors import upload_rule
from tests.emulators.cloud import DOWNLOADS, UPLOADS, EmulatedCloud, emulated_cloud
from tests.emulators.processes import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

CLIP_S = 4.0
BOTH: tuple[Scope, ...] = ("upload", "read")
FILES = {
    "index.html": '<!doctype html><html lang="en"><title>Montage</title><link rel="stylesheet" href="/web/page.css">'
    '<script type="module" src="/web/app.js"></script><main></main>',
    "page.css": "main { color: rgb(1, 2, 3) }",
    "app.js": 'import { name } from "./views/named.js"; document.querySelector("main").textContent = name;',
    "views/named.js": 'export const name = "Montage";',
    "icon.svg": '<svg xmlns="http://www.w3.org/2000/svg"><rect width="8" height="8"/></svg>',
}
USE_LINKS = """async ([job, key]) => {
    const shown = key ? { Authorization: `Bearer ${key}` } : {};
    const { links } = await (await fetch(`/v1/jobs/${job}/links`, { headers: shown })).json();
    const told = {};
    const settled = (node, ended) => new Promise((done, fail) => {
        node.addEventListener(ended, done, { once: true });
        node.addEventListener("error", () => fail(node.error?.message ?? "not shown"), { once: true });
    });
    for (const name of ["reel", "source"]) {
        const video = document.createElement("video");
        video.muted = true;
        video.src = links[name].url;
        document.body.append(video);
        await video.play();
        video.currentTime = video.duration - 0.5;
        await settled(video, "ended");
        told[name] = [video.duration, video.videoWidth, links[name].content_type];
    }
    const image = document.createElement("img");
    image.src = links.poster.url;
    await settled(image, "load");
    told.poster = [image.naturalWidth, links.poster.content_type];
    const part = await fetch(links.reel.url, { headers: { Range: "bytes=4-7" } });
    told.part = [part.status, await part.text(), part.headers.get("Content-Range") !== null];
    told.report = await (await fetch(links.report.url)).json();
    const blob = document.createElement("img");
    blob.src = URL.createObjectURL(await (await fetch(links.poster.url)).blob());
    await settled(blob, "load");
    told.blob = blob.naturalWidth;
    return told;
}"""
UPLOAD = """async ([key]) => {
    const shown = { "Content-Type": "application/json", ...(key ? { Authorization: `Bearer ${key}` } : {}) };
    const film = new Uint8Array(300_000);
    const file = { name: "ride.mp4", size_bytes: film.length, content_type: "video/mp4" };
    const asked = { method: "POST", headers: shown, body: JSON.stringify({ files: [file] }) };
    const { upload } = (await (await fetch("/v1/uploads", asked)).json()).jobs[0];
    const begun = await fetch(upload.url, { method: upload.method, headers: upload.headers });
    const session = begun.headers.get("Location");
    const send = (first, end) => fetch(session, {
        method: "PUT", body: film.slice(first, end),
        headers: { "Content-Range": `bytes ${first}-${end - 1}/${film.length}` },
    });
    const kept = await send(0, 262144);
    return [begun.status, kept.status, kept.headers.get("Range"), (await send(262144, film.length)).status];
}"""
BLOCKED = """async (elsewhere) => {
    const policies = [];
    document.addEventListener("securitypolicyviolation", (event) => policies.push(event.effectiveDirective));
    const seen = () => new Promise((done) => setTimeout(done, 200));
    await fetch(elsewhere).catch(() => {});
    const image = document.createElement("img");
    image.src = `${elsewhere}/x.png`;
    const script = document.createElement("script");
    try { script.src = `${elsewhere}/x.js`; } catch { policies.push("trusted-types"); }
    try { document.body.innerHTML = "<b>x</b>"; } catch { policies.push("trusted-types"); }
    document.body.setAttribute("style", "color: red");
    const form = document.createElement("form");
    form.action = "/";
    document.body.append(form);
    form.submit();
    await seen();
    return policies;
}"""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A page and all that a browser had to say of it."""

    page: Page
    said: list[str]


@contextmanager
def served(app: FastAPI, port: int) -> Iterator[None]:
    config = uvicorn.Config(app, port=port, ws="none", lifespan="off", log_config=None, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def page_files(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def opened(browser: Browser, url: str) -> Opened:
    page, said = browser.new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    page.wait_for_function("document.querySelector('main').textContent === 'Montage'")
    return Opened(page=page, said=said)


def done(cloud: Cloud, folder: Path, **changes: Any) -> Job:
    """Return a job whose reel is as long as its source."""
    clip = make_clip(folder, ClipSpec(seconds=CLIP_S))
    poster = folder / "poster.jpg"
    Image.new("RGB", (64, 48)).save(poster)
    job = Job(
        id=new_job_id(), source=Source(file_name="ride.mp4"), options=Options(), created_at=time.time(), **changes
    )
    names = {each: artifact(job.id, 1, f"{each}{end}") for each, end in
             {"reel": ".mp4", "poster": ".jpg", "report": ".json"}.items()}  # fmt: skip
    cloud.downloads.upload(clip, names["reel"])
    cloud.downloads.upload(poster, names["poster"])
    cloud.downloads.write(names["report"], b'{"is_report": true}')
    stat = cloud.uploads.upload(clip, source(job.id))
    there = replace(job.source, generation=stat.generation, size_bytes=stat.size_bytes, content_type="video/mp4")
    job = replace(job, state="done", source=there, artifacts=names, ended_at=time.time())
    assert cloud.jobs.create(job)
    return job


def assert_used(told: dict[str, Any]) -> None:
    for name in ("reel", "source"):
        duration_s, width_px, kind = told[name]
        assert abs(duration_s - CLIP_S) < 0.2 and width_px > 0
        assert kind == "video/mp4"
    assert told["poster"] == [64, "image/jpeg"] and told["blob"] == 64
    assert told["part"] == [206, "ftyp", True]
    assert told["report"] == {"is_report": True}


@pytest.mark.parametrize("opened_as", ["127.0.0.1", "localhost"])
def test_on_one_machine_a_page_uses_signed_addresses_and_may_do_nothing_else(tmp_path: Path, opened_as: str) -> None:
    port = free_port()
    origins = ",".join(f"http://{name}:{port}" for name in ("localhost", "127.0.0.1"))
    settings = Settings(home=tmp_path / "home", public_url=f"http://localhost:{port}", allowed_origins=origins)
    with connect_local(settings) as cloud, closing(connect_keys(settings)) as keys, running_browser() as browser:
        signers = connect_signers(settings)
        api = Api(settings=settings, cloud=cloud, signers=signers, keys=keys)
        web = page_files(tmp_path / "web")
        with served(make_app(api, objects=object_routes(settings, cloud, signers), web=web), port):
            job = done(cloud, tmp_path)
            here = opened(browser, f"http://{opened_as}:{port}/jobs/{job.id}")
            assert here.page.evaluate("getComputedStyle(document.querySelector('main')).color") == "rgb(1, 2, 3)"
            assert_used(here.page.evaluate(USE_LINKS, [job.id, None]))
            assert here.page.evaluate(UPLOAD, [None]) == [201, 308, "bytes=0-262143", 200]
            assert here.said == []
            blocked = here.page.evaluate(BLOCKED, f"http://127.0.0.1:{free_port()}")
            assert {"connect-src", "img-src", "trusted-types", "style-src-attr", "form-action"} <= set(blocked)
            shown = f"http://localhost:{port}/v1/health"
            assert framed(browser, tmp_path / "other", shown) == shown
            assert framed(browser, tmp_path / "other", f"http://localhost:{port}/") == "chrome-error://chromewebdata/"


def framed(browser: Browser, folder: Path, url: str) -> str:
    """Return what a frame of another site shows of the address."""
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(f'<iframe src="{url}"></iframe>')
    with served_folder(folder) as other:
        page = browser.new_page()
        page.goto(other)
        page.wait_for_timeout(300)
        return page.frames[1].url


@pytest.mark.emulators
def test_on_the_emulated_cloud_a_page_uses_signed_addresses_where_the_buckets_let_it(tmp_path: Path) -> None:
    port = free_port()
    with emulated_cloud(tmp_path / "cloud", functions=("on_upload",)) as here, running_browser() as browser:
        allow(here, f"http://127.0.0.1:{port}")
        signers, web = connect_signers(here.settings), page_files(tmp_path / "web")
        with closing(connect_keys(here.settings)) as keys:
            key = new_key()
            assert keys.add(ApiKey(sha256=hash_of(key), owner="ana", name="", created_at=time.time(), scopes=BOTH))
            api = Api(settings=here.settings, cloud=here.cloud, signers=signers, keys=keys)
            with served(make_app(api, web=web), port):
                job = done(here.cloud, tmp_path, owner="ana")
                page = opened(browser, f"http://127.0.0.1:{port}/jobs/{job.id}")
                assert_used(page.page.evaluate(USE_LINKS, [job.id, key]))
                assert page.page.evaluate(UPLOAD, [key]) == [201, 308, "bytes=0-262143", 200]
                assert page.said == []


def allow(here: EmulatedCloud, origin: str) -> None:
    """Let the pages of an origin use the buckets that people reach."""
    client = GoogleClients(here.settings.google)
    with closing(client):
        for name in (UPLOADS, DOWNLOADS):
            bucket = client.storage.get_bucket(name)
            bucket.cors = [upload_rule([origin])]
            bucket.patch()
