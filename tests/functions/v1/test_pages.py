"""The page's addresses and files: what is shown, how it may be kept, and what nobody gets."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

import anyio
import pytest
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from functions.local.bundle import KINDS, ROOT, stage
from functions.v1.app import make_app
from functions.v1.context import Api
from functions.v1.pages import MEDIA_TYPES, WEB
from shared.connect import connect_keys, connect_local, connect_signers, storage_folders, storage_origins
from shared.settings import GoogleSettings, Settings

HERE = "http://localhost"
FILES = {
    "index.html": "<!doctype html><title>Montage — é</title>",
    "app.js": "export const name = 'é';\n",
    "icon.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
    "styles/base.css": "body { margin: 0 }",
    "views/job.js": "export {};",
    "secret.txt": "secret",
    "module.py": "secret",
    ".hidden.js": "secret",
    "views/.hidden/a.js": "secret",
}


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    for name, text in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "outside.js").write_text("secret", encoding="utf-8")
    (folder / "link.js").symlink_to(tmp_path / "outside.js")
    (folder / "within.js").symlink_to(folder / "app.js")
    (folder / "out").symlink_to(tmp_path)
    (folder / "folder.js").mkdir()
    return folder


@pytest.fixture
def http(tmp_path: Path, web: Path) -> Iterator[TestClient]:
    yield from client(tmp_path, web)


def client(home: Path, web: Path) -> Iterator[TestClient]:
    settings = Settings(home=home, public_url="http://localhost:8080", require_keys=True)
    with connect_local(settings) as cloud:
        api = Api(settings=settings, cloud=cloud, signers=connect_signers(settings), keys=connect_keys(settings))
        with TestClient(make_app(api, web=web), base_url=HERE, follow_redirects=False) as http:
            yield http
        getattr(api.keys, "close", lambda: None)()


@pytest.mark.parametrize(
    "address", ["/", "/jobs", "/jobs?state=failed", "/jobs/nmzq3lkw5s7ah2dyxv4cot6bei", "/batches/b"]
)
def test_every_address_of_the_page_is_the_one_document_without_a_key(http: TestClient, address: str) -> None:
    answer = http.get(address, headers={"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, answer.text) == (200, FILES["index.html"])
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("app.js", "text/javascript; charset=utf-8"),
        ("views/job.js", "text/javascript; charset=utf-8"),
        ("styles/base.css", "text/css; charset=utf-8"),
        ("icon.svg", "image/svg+xml; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
    ],
)
def test_a_file_is_sent_with_its_media_type_and_a_head_without_its_content(
    http: TestClient, name: str, media_type: str
) -> None:
    answer = http.get(f"/web/{name}", headers={"Sec-Fetch-Site": "same-origin", "Origin": HERE})
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (200, FILES[name], media_type)
    head = http.head(f"/web/{name}")
    assert (head.status_code, head.content) == (200, b"")
    kept = ("Content-Length", "Content-Type", "ETag", "Cache-Control", "Content-Security-Policy")
    assert {key: head.headers[key] for key in kept} == {key: answer.headers[key] for key in kept}


def test_what_a_browser_has_already_is_not_sent_again_until_it_changes(http: TestClient, web: Path) -> None:
    first = http.get("/web/app.js")
    etag = first.headers["ETag"]
    assert first.headers["Cache-Control"] == "no-cache"
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        again = http.get("/web/app.js", headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
        assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    for other in ('"x"', etag.strip('"'), "", "W/"):
        assert http.get("/web/app.js", headers={"If-None-Match": other}).status_code == 200
    (web / "app.js").write_text("export {};", encoding="utf-8")
    changed = http.get("/web/app.js", headers={"If-None-Match": etag})
    assert (changed.status_code, changed.text) == (200, "export {};")
    assert changed.headers["ETag"] != etag


@pytest.mark.parametrize(
    "path",
    [
        "nothing.js", "", "/", "views", "views/", "folder.js", "secret.txt", "module.py", ".hidden.js",
        "views/.hidden/a.js", "link.js", "within.js", "out/outside.js", "../outside.js", "%2e%2e/outside.js",
        "views/%2e%2e/app.js", "views/../../outside.js", "..%2foutside.js", "%252e%252e/outside.js",
        "..%5coutside.js", "views%5cjob.js", "/etc/passwd", "app.js%00", "app.js%00.css", "%00", "app.js/",
        "app.js/x.js", "app.js%20", "app.js%0a.js", "APP.JS", "app.js.", "./app.js", "%ff.js",
        "a" * 300 + ".js", "a/" * 5000 + "b.js",
        "~root/a.js", "C:%5ca.js", "file:app.js",
    ],
)  # fmt: skip
def test_nothing_else_is_there(http: TestClient, path: str) -> None:
    status, content = asked(http, f"/web/{path}")
    assert (status, json.loads(content)["code"]) == (404, "unknown_path")
    assert b"secret" not in content


def asked(http: TestClient, path: str) -> tuple[int, bytes]:
    """Return status and content of a path as servers hand it on: nothing of it is tidied up."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        said.append(message)

    scope: Scope = {
        "type": "http", "method": "GET", "scheme": "http", "path": unquote(path), "raw_path": path.encode(),
        "query_string": b"", "headers": [(b"host", b"localhost")], "http_version": "1.1", "root_path": "",
    }  # fmt: skip
    anyio.run(http.app, scope, receive, send)
    return said[0]["status"], b"".join(message.get("body", b"") for message in said)


def test_the_page_takes_nothing(http: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        for path in ("/", "/jobs", "/web/app.js"):
            answer = http.request(method, path)
            assert (answer.status_code, answer.json()["code"]) == (405, "wrong_method")
            assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD"}


def policy_of(headers: Mapping[str, str]) -> dict[str, list[str]]:
    parts = [part.split() for part in headers["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", ["/", "/web/app.js", "/web/icon.svg", "/favicon.ico"])
def test_browsers_are_held_to_what_the_page_needs(http: TestClient, path: str) -> None:
    answer = http.get(path)
    there = ["'self'", "http://localhost:8080"]
    assert policy_of(answer.headers) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": [*there, "blob:"],
        "media-src": [*there, "blob:"],
        "connect-src": there,
        "font-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
    }
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in answer.headers["Permissions-Policy"]


def test_the_icon_is_what_browsers_ask_for_unbidden_and_nothing_where_there_is_none(
    http: TestClient, web: Path
) -> None:
    answer = http.get("/favicon.ico")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/svg+xml; charset=utf-8")
    (web / "icon.svg").unlink()
    assert http.get("/favicon.ico").status_code == 204


def test_without_its_folder_the_page_is_not_there_and_all_else_is(tmp_path: Path) -> None:
    for http in client(tmp_path, tmp_path / "none"):
        assert http.get("/").json()["code"] == "unknown_path"
        assert http.get("/v1/health").status_code == 200


def test_who_follows_a_link_to_nowhere_is_told_by_the_page_and_programs_by_a_problem(http: TestClient) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    shown = http.get("/no/such/thing", headers=browser)
    assert (shown.status_code, shown.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert shown.content == http.get("/").content
    assert "Content-Security-Policy" in shown.headers
    for path, headers in (("/no/such/thing", {}), ("/v1/nothing", browser), ("/web/no.js", browser)):
        assert http.get(path, headers=headers).json()["code"] == "unknown_path"
    assert http.post("/no/such/thing", headers=browser).json()["code"] == "unknown_path"


def test_the_page_is_no_part_of_the_description(http: TestClient) -> None:
    assert all(path.startswith("/v1/") for path in http.get("/v1/openapi.json").json()["paths"])


@pytest.mark.parametrize(
    ("changes", "origins"),
    [
        ({"public_url": "http://localhost:8080"}, ("http://localhost:8080",)),
        ({"public_url": "https://Montage.example/below"}, ("https://montage.example",)),
        ({"public_url": "http://[::1]:8080"}, ()),
        ({"cloud": "gcp"}, ("https://storage.googleapis.com",)),
        ({"cloud": "gcp", "google": GoogleSettings(storage_emulator_host="http://127.0.0.1:9023")},
         ("http://127.0.0.1:9023",)),
        ({"cloud": "gcp", "google": GoogleSettings(storage_emulator_host="127.0.0.1:9023")},
         ("http://127.0.0.1:9023",)),
    ],
)  # fmt: skip
def test_a_page_may_ask_where_signed_addresses_lead(changes: dict[str, object], origins: tuple[str, ...]) -> None:
    assert storage_origins(Settings(**changes)) == origins  # type: ignore[arg-type]


def test_pictures_come_from_the_buckets_alone() -> None:
    buckets = GoogleSettings(uploads_bucket="my-uploads", downloads_bucket="my.reels")
    assert storage_folders(Settings(cloud="gcp", google=buckets)) == (
        "https://storage.googleapis.com/my-uploads/",
        "https://storage.googleapis.com/my.reels/",
    )
    emulated = buckets.model_copy(update={"storage_emulator_host": "http://127.0.0.1:9023"})
    for settings in (Settings(cloud="gcp", google=emulated), Settings(cloud="gcp"), Settings()):
        assert storage_folders(settings) == storage_origins(settings)


def test_what_is_served_is_what_is_packed(tmp_path: Path) -> None:
    packed = set(re.findall(r'"\*(\.[a-z]+)"', (ROOT / "pyproject.toml").read_text("utf-8")))
    assert set(MEDIA_TYPES) <= packed & KINDS
    names = {"index.html", "app.js", "icon.svg", "styles/base.css", "views/job.js", "words.json"}
    checkout, bundle = tmp_path / "checkout", tmp_path / "bundle"
    for name in ("functions/main.py", "functions/requirements.txt", *(f"functions/web/{name}" for name in names)):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).touch()
    stage(bundle, root=checkout)
    web = bundle / "functions" / "web"
    assert {path.relative_to(web).as_posix() for path in web.rglob("*.*")} == names


MODULES = {
    "index.html": '<link rel="stylesheet" href="/web/styles/base.css">\n'
    '    <script type="module" src="/web/app.js"></script>\n',
    "app.js": 'import { a } from "./views/a.js";\nimport {\n  b,\n} from "./b.js";\nimport "./none.js";\n',
    "b.js": 'export { c } from "./c.js";\n/** @typedef {import("./type.js").T} T */\nconst from = "./no.js";\n',
    "c.js": "export const c = 1;\n",
    "type.js": "export {};\n",
    "views/a.js": '// import "./type.js";\nimport { c } from "../c.js";\nimport { d } from "./job.js";\n',
}


def test_a_version_of_the_page_is_kept_for_good_and_never_mixed_with_the_next(http: TestClient, web: Path) -> None:
    for name, text in MODULES.items():
        (web / name).write_text(text, encoding="utf-8")
    first = http.get("/")
    assert first.headers["Cache-Control"] == "no-cache"
    (digest,) = set(re.findall(r'"/web/([0-9a-f]{16})/', first.text))
    named = re.findall(rf'(\w+)="/web/{digest}/([^"]+)"', first.text)
    modules = ["views/a.js", "b.js", "c.js", "views/job.js"]
    assert named == [("href", "styles/base.css"), *(("href", name) for name in modules), ("src", "app.js")]
    assert re.findall(r'rel="modulepreload" href="/web/[^/]+/([^"]+)"', first.text) == modules
    kept = http.get(f"/web/{digest}/c.js")
    assert (kept.text, kept.headers["Cache-Control"]) == (MODULES["c.js"], "public, max-age=31536000, immutable")

    (web / "c.js").write_text("export const c = 2; // newer\n", encoding="utf-8")
    second = http.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 200
    (newer,) = set(re.findall(r'"/web/([0-9a-f]{16})/', second.text))
    contents = [http.get(f"/web/{each}c.js").text for each in (f"{digest}/", f"{newer}/", "")]
    assert contents == [MODULES["c.js"], *["export const c = 2; // newer\n"] * 2]
    for lost in (f"{'0' * 16}/c.js", f"{newer}/secret.txt", f"{newer}/link.js", f"{newer}/../outside.js", f"{newer}/"):
        status, content = asked(http, f"/web/{lost}")
        assert (status, json.loads(content)["code"]) == (404, "unknown_path")


def test_every_module_of_the_page_is_named_before_it_is_missed(tmp_path: Path) -> None:
    for http in client(tmp_path, WEB):
        document = http.get("/").text
    named = set(re.findall(r'/web/[0-9a-f]{16}/([^"]+\.js)"', document))
    files = {path.relative_to(WEB).as_posix(): path.read_text("utf-8") for path in WEB.rglob("*.js")}
    of_types_alone = {name for name, text in files.items() if not re.search(r"^export (?!\{\})", text, re.MULTILINE)}
    assert files.keys() - of_types_alone <= named | {"app.js"} <= files.keys()
