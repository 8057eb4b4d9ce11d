"""What somebody who means harm may try, and what comes of it: each row is a request, its answer, and no change at all.

Behind the API's back every record and every object is looked at before and after.
"""
# ruff: noqa: E501 - a row of a table is a line

import http.client
import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.local.connections import HEAD_S, MOST_CONNECTIONS
from shared.adapters.local.upload_sessions import MOST_OF_ONE
from shared.connect import connect_signers
from shared.domain.api_key import hash_of
from shared.domain.job import Job
from shared.domain.listing import JobQuery, page_token
from shared.domain.listing import Place as PlaceInList
from shared.domain.object_names import artifact, source
from shared.domain.record import to_dict
from shared.settings import Settings
from tests.api_client import ApiClient
from tests.api_places import Place, emulated, served
from tests.emulators.cloud import EmulatedCloud, emulated_cloud

FILM = b"no film at all, which is found out once it is there"
HTML = "<script>alert(1)</script>"
ODD_NAME = f'a"b;c%0d%0a{HTML}é.mp4'
NOBODY = "a" * 26
WAIT_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The problem's code, or the error's of Cloud Storage; "" for an answer that is none."""
        if told := re.search(rb"<Code>(\w+)</Code>", self.body):
            return told[1].decode()
        is_problem = self.headers.get("content-type") == "application/problem+json"
        return str(json.loads(self.body)["code"]) if is_problem else ""


def call(
    url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: Any = None, *, timeout_s: float = 20
) -> Answer:
    """Send a request as it stands: nothing of the path is tidied up; a body of pieces has no Content-Length."""
    there = urlsplit(url)
    with closing(http.client.HTTPConnection(there.hostname or "", there.port, timeout=timeout_s)) as connection:
        path = url.split(there.netloc, 1)[1]
        connection.request(method, path, body, dict(headers or {}), encode_chunked=isinstance(body, list))
        answer = connection.getresponse()
        return Answer(
            status=answer.status,
            headers={key.lower(): value for key, value in answer.getheaders()},
            body=answer.read(),
        )


@dataclass(kw_only=True)
class Victims:
    """What Ana has, and who would like to have it."""

    place: Place
    keys: Mapping[str, str]
    waiting: Mapping[str, Any]
    """Awaits its upload in parts."""
    whole: Mapping[str, Any]
    """Awaits its upload as one."""
    other: Mapping[str, Any]
    """Another one of hers."""
    begun: str
    """The session of an upload in parts."""
    arrived: Mapping[str, Any]
    """Has been uploaded, and failed: it is no film."""
    done: str
    """A job with a reel."""
    batch: str
    folder: Path
    settings: Settings | None = None
    """Of the cloud."""

    def ask(
        self, who: str, method: str, path: str, body: Any = None, /, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        """Ask the API as somebody; header names have underscores."""
        shown = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        sent = json.dumps(body).encode() if raw is None else raw
        kind = {"Content-Type": "application/json"} if body is not None or raw is not None else {}
        more = {key.replace("_", "-"): value for key, value in headers.items()}
        content = sent if kind else None
        return call(f"{self.place.url}{path}", method, {**shown, **kind, **more}, content)

    def announce(self, who: str = "ana", **changes: Any) -> Answer:
        """Announce a film, changed."""
        file = {"name": "ride.mp4", "size_bytes": len(FILM), "content_type": "video/mp4", **changes}
        return self.ask(who, "POST", "/v1/uploads", {"files": [file]})

    def everything(self) -> Any:
        """Return all that is stored and recorded."""
        cloud = self.place.cloud
        jobs = [to_dict(job) for job in cloud.jobs.page(JobQuery(), limit=200, token=None).jobs]
        stores = (cloud.uploads, cloud.work, cloud.downloads)
        home = self.place.home
        waiting = sorted(home.glob("objects/uploads/.store/uploads/*/*")) if home is not None else []
        return jobs, [list(store.list("")) for store in stores], waiting, [key.sha256 for key in self.place.keys.list()]


def start(upload: Mapping[str, Any], **changes: str) -> Answer:
    """Begin or make an upload with the headers that were signed, changed; "" leaves one out."""
    headers = {**upload["headers"], **{key.replace("_", "-"): value for key, value in changes.items()}}
    sent = {key: value for key, value in headers.items() if value}
    body = FILM if upload["method"] == "PUT" else None
    return call(upload["url"], upload["method"], sent, body)


def at(upload: Mapping[str, Any], url: str) -> Mapping[str, Any]:
    """Return the upload at another address."""
    assert url != upload["url"], "nothing was changed"
    return {**upload, "url": url}


def changed(upload: Mapping[str, Any], before: str, after: str) -> Answer:
    """Begin an upload whose address was tampered with."""
    return start(at(upload, re.sub(before, after, upload["url"], count=1)))


def signed_for(victims: Victims, job_id: str, *, ago_s: float) -> Mapping[str, Any]:
    """Return an upload that was signed a while ago by the very signer and was good for a minute."""
    home = victims.place.home
    settings = Settings(home=home or Path(), public_url=victims.place.url)
    signers = connect_signers(settings, clock=lambda: time.time() - ago_s)
    signed = signers.uploads.resumable_upload(
        source(job_id), content_type="video/mp4", max_bytes=len(FILM), expires_s=60
    )
    return {"url": signed.url, "method": signed.method, "headers": signed.headers}


@pytest.fixture(scope="module")
def victims(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    folder = tmp_path_factory.mktemp("attacks")
    allowed, secret = folder / "footage", folder / "secret"
    allowed.mkdir()
    secret.mkdir()
    (secret / "diary.mp4").write_bytes(FILM)
    (allowed / "match.mp4").write_bytes(FILM)
    (allowed / "way-out").symlink_to(secret)
    (allowed / "link.mp4").symlink_to(secret / "diary.mp4")
    os.mkfifo(allowed / "pipe.mp4")
    with served(folder, environment={"MONTAGE_REQUEST_FOLDERS": f"footage={allowed}"}) as place:
        yield made(place, folder)


def made(place: Place, folder: Path) -> Victims:
    keys = {
        "ana": place.key("ana"),
        "reader": place.key("ana", ("read",)),
        "uploader": place.key("ana", ("upload",)),
        "eve": place.key("eve"),
        "admin": place.key("root", ("admin",)),
        "revoked": place.key("ana"),
    }
    place.keys.revoke(hash_of(keys["revoked"]), at=time.time())
    keys |= {"unknown": "montage_" + "x" * 43, "no form": "ana", "empty": ""}
    film = folder / "ride.mp4"
    film.write_bytes(FILM)
    with ApiClient(place.url, keys["ana"]) as ana:
        told = ana.begin(film, film, film)
        waiting, other, arrived = told["jobs"]
        whole = ana.begin(film, resumable=False)["jobs"][0]
        begun = ana.start(other["upload"])
        ana.send(arrived["upload"], FILM)
        ana.wait(arrived["job"], ("failed",), timeout_s=WAIT_S)
        done = ana.begin(film)["jobs"][0]["job"]
        name = artifact(done, 1, "reel.mp4")
        place.cloud.downloads.write(name, FILM)
        place.cloud.jobs.update(done, lambda job: finished(job, name))
    return Victims(
        place=place,
        keys=keys,
        waiting=waiting,
        whole=whole,
        other=other,
        begun=begun,
        arrived=arrived,
        done=done,
        batch=told["batch"],
        folder=folder,
    )


def finished(job: Job, reel: str) -> Job:
    return replace(
        job,
        state="done",
        ended_at=job.created_at,
        artifacts={"reel": reel},
        source=replace(job.source, file_name=ODD_NAME, generation="1", size_bytes=1),
    )


Row = tuple[str, Callable[[Victims], Answer], int, str]


def rows(*table: Row) -> pytest.MarkDecorator:
    """Parametrize a test by a table: what is tried, how, and the answer's status and code."""
    return pytest.mark.parametrize(
        ("attack", "status", "code"), [pytest.param(how, status, code, id=what) for what, how, status, code in table]
    )


def assert_refused(victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str) -> None:
    """Hold the answer to what the table says, and all that is stored and recorded to what was there before."""
    before = victims.everything()
    answer = attack(victims)
    assert (answer.status, answer.code) == (status, code), answer.body[:500]
    assert victims.everything() == before


# Signed addresses

SIGNED: Sequence[Row] = (
    ("tampered: signature", lambda v: changed(v.waiting["upload"], r"signature=.", "signature=g"), 403, "bad_signature"),
    ("tampered: no signature", lambda v: changed(v.waiting["upload"], r"&signature=.*", ""), 403, "bad_signature"),
    ("tampered: empty signature", lambda v: changed(v.waiting["upload"], r"signature=.*", "signature="), 403, "bad_signature"),
    ("tampered: letters of another alphabet", lambda v: changed(v.waiting["upload"], r"signature=.", "signature=%C2%B2"), 403, "bad_signature"),
    ("tampered: good for longer", lambda v: changed(v.waiting["upload"], r"expires=\d", "expires=9"), 403, "bad_signature"),
    ("tampered: more bytes", lambda v: changed(v.waiting["upload"], r"max_bytes=", "max_bytes=9"), 403, "bad_signature"),
    ("tampered: another type", lambda v: changed(v.waiting["upload"], r"video%2Fmp4", "text%2Fhtml"), 403, "bad_signature"),
    ("tampered: something added", lambda v: changed(v.waiting["upload"], r"$", "&x=1"), 403, "bad_signature"),
    ("tampered: something twice", lambda v: changed(v.waiting["upload"], r"$", "&max_bytes=999"), 403, "bad_signature"),
    ("tampered: 100,000 things", lambda v: changed(v.waiting["upload"], r"$", "&x=1" * 10_000), 403, "bad_signature"),
    ("other object's: another job of hers", lambda v: changed(v.waiting["upload"], v.waiting["job"], v.other["job"]), 403, "bad_signature"),
    ("other object's: another bucket", lambda v: changed(v.waiting["upload"], "/objects/uploads", "/objects/downloads"), 403, "bad_signature"),
    ("other object's: a bucket nobody reaches", lambda v: changed(v.waiting["upload"], "/objects/uploads", "/objects/work"), 404, "unknown_bucket"),
    ("path tricks: ../", lambda v: changed(v.waiting["upload"], "/source", "/x/../source"), 403, "bad_signature"),
    ("path tricks: %2e%2e", lambda v: changed(v.waiting["upload"], "/source", "/x/%2e%2e/source"), 403, "bad_signature"),
    ("path tricks: %2f", lambda v: changed(v.waiting["upload"], "/source", "%2fsource"), 403, "bad_signature"),
    ("path tricks: //", lambda v: changed(v.waiting["upload"], "/source", "//source"), 403, "bad_signature"),
    ("path tricks: backslash", lambda v: changed(v.waiting["upload"], "/source", "%5csource"), 403, "bad_signature"),
    ("path tricks: NUL", lambda v: changed(v.waiting["upload"], "/source", "/source%00"), 403, "bad_signature"),
    ("path tricks: the store's own folder", lambda v: changed(v.waiting["upload"], "/objects/uploads/uploads", "/objects/uploads/.store"), 403, "bad_signature"),
    ("path tricks: a folder of the machine", lambda v: call(f"{v.place.url}/objects/uploads/../../../../etc/passwd"), 403, "bad_signature"),
    ("path tricks: the same, encoded", lambda v: call(f"{v.place.url}/objects/uploads/%2e%2e/%2e%2e/server.key"), 403, "bad_signature"),
    ("another method: PUT for POST", lambda v: start({**v.waiting["upload"], "method": "PUT"}), 403, "bad_signature"),
    ("another method: GET for POST", lambda v: call(v.waiting["upload"]["url"]), 403, "bad_signature"),
    ("another method: POST for PUT", lambda v: start({**v.whole["upload"], "method": "POST"}), 403, "bad_signature"),
    ("another method: DELETE", lambda v: start({**v.whole["upload"], "method": "DELETE"}), 403, "bad_signature"),
    ("another method: PATCH", lambda v: start({**v.whole["upload"], "method": "PATCH"}), 403, "bad_signature"),
    ("expired", lambda v: start(signed_for(v, v.waiting["job"], ago_s=61)), 400, "url_expired"),
    ("replayed after it was used", lambda v: start(v.arrived["upload"]), 412, "already_there"),
    ("wrong type", lambda v: start(v.waiting["upload"], content_type="text/html"), 403, "wrong_type"),
    ("wrong type: two of them", lambda v: start(v.waiting["upload"], content_type="video/mp4, text/html"), 403, "wrong_type"),
    ("wrong type: none", lambda v: start(v.waiting["upload"], content_type=""), 403, "wrong_type"),
    ("another size range", lambda v: start(v.waiting["upload"], x_goog_content_length_range="0,999999"), 403, "wrong_header"),
    ("no size range", lambda v: start(v.waiting["upload"], x_goog_content_length_range=""), 403, "wrong_header"),
    ("overwriting", lambda v: start(v.waiting["upload"], x_goog_if_generation_match="1"), 403, "wrong_header"),
    ("a header that was not signed", lambda v: start(v.waiting["upload"], x_goog_acl="public-read"), 403, "wrong_header"),
    ("too large: said at the start", lambda v: start(v.waiting["upload"], X_Upload_Content_Length="999"), 413, "too_large"),
    ("a size that is none", lambda v: start(v.waiting["upload"], X_Upload_Content_Length="9" * 400), 400, "bad_upload_length"),
    ("longer than declared: as one", lambda v: call(v.whole["upload"]["url"], "PUT", v.whole["upload"]["headers"], FILM + b"x"), 413, "too_large"),
    ("longer than declared: no length told", lambda v: call(v.whole["upload"]["url"], "PUT", v.whole["upload"]["headers"], [FILM, b"x"]), 413, "too_large"),
)  # fmt: skip


def part(v: Victims, url: str, content_range: str, body: Any = b"x") -> Answer:
    assert url != v.begun or "bytes" in content_range
    return call(url, "PUT", {"Content-Range": content_range}, body)


SESSIONS: Sequence[Row] = (
    ("of another object", lambda v: part(v, v.begun.replace(v.other["job"], v.waiting["job"]), "bytes */*"), 404, "unknown_upload"),
    ("of another bucket", lambda v: part(v, v.begun.replace("objects/uploads", "objects/downloads"), "bytes */*"), 404, "unknown_upload"),
    ("guessed", lambda v: part(v, re.sub("upload_id=.*", "upload_id=" + "A" * 43, v.begun), "bytes */*"), 404, "unknown_upload"),
    ("a path", lambda v: part(v, re.sub("upload_id=.*", "upload_id=../../../../x", v.begun), "bytes */*"), 404, "unknown_upload"),
    ("empty", lambda v: part(v, re.sub("upload_id=.*", "upload_id=", v.begun), "bytes */*"), 404, "unknown_upload"),
    ("two", lambda v: part(v, f"{v.begun}&upload_id=x", "bytes */*"), 404, "unknown_upload"),
    ("cancelled by somebody who guesses", lambda v: call(re.sub("upload_id=.*", "upload_id=" + "A" * 43, v.begun), "DELETE"), 404, "unknown_upload"),
    ("read", lambda v: call(v.begun), 403, "bad_signature"),
    ("bytes far beyond", lambda v: part(v, v.begun, f"bytes {2**50}-{2**50}/*"), 503, "upload_gap"),
    ("a range that is none", lambda v: part(v, v.begun, "bytes 5-2/10"), 400, "bad_content_range"),
    ("a range of huge numbers", lambda v: part(v, v.begun, f"bytes 0-{'9' * 5000}/*"), 400, "bad_content_range"),
    ("a range of another alphabet's digits", lambda v: part(v, v.begun, "bytes \u00b2-\u00b3/\u00b9"), 400, "bad_content_range"),
    ("parts too small to be worth it", lambda v: part(v, v.begun, "bytes 0-0/*"), 400, "bad_content_range"),
    )  # fmt: skip


@rows(*SIGNED)
def test_a_signed_address_does_what_it_was_signed_for(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


@rows(*SESSIONS)
def test_a_session_belongs_to_one_upload(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


# Keys, owners and scopes

OF_A_JOB = (
    ("GET", "", None),
    ("GET", "/reel", None),
    ("GET", "/artifacts/reel", None),
    ("GET", "/artifacts/source", None),
    ("POST", "/cancel", None),
    ("POST", "/retry", None),
    ("DELETE", "", None),
    ("PUT", "/edit-list", [{"start_s": 1.0, "end_s": 4.0}]),
    ("GET", "/links", None),
)
CHANGES = [each for each in OF_A_JOB if each[0] != "GET"]
EVERY_PATH = (
    *((method, "/v1/jobs/{job}" + end, body) for method, end, body in OF_A_JOB),
    ("GET", "/v1/jobs", None),
    ("GET", "/v1/batches/{batch}", None),
    ("POST", "/v1/uploads", {"files": [{"name": "a.mp4", "size_bytes": 1, "content_type": "video/mp4"}]}),
    ("POST", "/v1/jobs", {"source": "gs://footage/match.mp4"}),
)
IN_NAME_ONLY = {
    "unknown": "a key that is none",
    "revoked": "a revoked key",
    "no form": "a word",
    "empty": "an empty key",
}


def asking(who: str, method: str, path: str, body: Any) -> Callable[[Victims], Answer]:
    def ask(v: Victims) -> Answer:
        return v.ask(who, method, path.format(job=v.done, batch=v.batch), body, If_Match='"r1"')

    return ask


@rows(
    *(
        (f"no key: {method} {path}", asking("", method, path, body), 401, "not_authenticated")
        for method, path, body in EVERY_PATH
    ),
    *(
        (f"{what}: {method} {path}", asking(who, method, path, body), 401, "not_authenticated")
        for who, what in IN_NAME_ONLY.items()
        for method, path, body in (EVERY_PATH[0], EVERY_PATH[6], EVERY_PATH[8], EVERY_PATH[11])
    ),
    *(
        (f"only to read: {method} {path}", asking("reader", method, path, body), 403, "wrong_scope")
        for method, path, body in EVERY_PATH
        if method != "GET"
    ),
    *(
        (f"only to upload: {method} {path}", asking("uploader", method, path, body), 403, "wrong_scope")
        for method, path, body in EVERY_PATH
        if method == "GET"
    ),
    *(
        (f"foreign job: {method} {end}", asking("eve", method, "/v1/jobs/{job}" + end, body), 404, "unknown_job")
        for method, end, body in OF_A_JOB
    ),
    ("foreign batch", asking("eve", "GET", "/v1/batches/{batch}", None), 404, "unknown_batch"),
    ("foreign owner", asking("eve", "GET", "/v1/jobs?owner=ana", None), 403, "wrong_scope"),
    ("the key in the query", lambda v: v.ask("", "GET", f"/v1/jobs/{v.done}/reel?key={v.keys['ana']}"), 422, "unknown_parameter"),
    ("another scheme", lambda v: v.ask("", "GET", "/v1/jobs", Authorization=f"Basic {v.keys['ana']}"), 401, "not_authenticated"),
    ("a hash for a key", lambda v: v.ask("", "GET", "/v1/jobs", Authorization=f"Bearer {hash_of(v.keys['ana'])}"), 401, "not_authenticated"),
    ("a key of 60 KB", lambda v: v.ask("", "GET", "/v1/jobs", Authorization=f"Bearer montage_{'x' * 60_000}"), 401, "not_authenticated"),
    ("letters that are not ASCII", lambda v: v.ask("", "GET", "/v1/jobs", Authorization="Bearer montage_\u00e9" + "x" * 42), 401, "not_authenticated"),
    ("an id with a path in it", lambda v: v.ask("ana", "GET", "/v1/jobs/..%2f..%2fkeys"), 404, "unknown_path"),
    ("an id that asks for more", lambda v: v.ask("ana", "GET", "/v1/jobs/' OR 1=1 --".replace(" ", "%20")), 404, "unknown_job"),
    ("an id with a NUL", lambda v: v.ask("ana", "GET", "/v1/jobs/" + "a" * 25 + "%00"), 404, "unknown_job"),
    ("an id in capitals", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done.upper()}"), 404, "unknown_job"),
    ("an artifact that is a path", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/artifacts/%2e%2e"), 404, "unknown_artifact"),
    ("an artifact that is a longer path", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/artifacts/..%2f..%2fserver.key"), 404, "unknown_path"),
    ("an artifact by its object's name", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/artifacts/reel.mp4"), 404, "unknown_artifact"),
    ("links of an artifact that is a path", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/links?names=..%2f..%2fserver.key"), 404, "unknown_artifact"),
    ("links of an artifact by its object's name", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/links?names=reel,reel.mp4"), 404, "unknown_artifact"),
    ("links of another job's reel", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.waiting['job']}/links?names=reel"), 404, "unknown_artifact"),
    ("links of 10,000 names", lambda v: v.ask("ana", "GET", f"/v1/jobs/{v.done}/links?names={'reel,' * 10_000}"), 422, "bad_parameter"),
    ("If-Match: a revision to come", lambda v: edit(v, '"r2"'), 412, "edit_list_changed"),
    ("If-Match: a weak tag", lambda v: edit(v, 'W/"r1"'), 412, "edit_list_changed"),
    ("If-Match: a huge number", lambda v: edit(v, f'"r{"9" * 5000}"'), 412, "edit_list_changed"),
    ("If-Match: another alphabet's digits", lambda v: edit(v, '"r\u00b9"'), 412, "edit_list_changed"),
    ("If-Match: 10,000 of them", lambda v: edit(v, ", ".join(['"x"'] * 10_000)), 412, "edit_list_changed"),
    ("If-Match: none", lambda v: v.ask("ana", "PUT", f"/v1/jobs/{v.done}/edit-list", []), 428, "no_if_match"),
)  # fmt: skip
def test_a_key_does_what_its_owner_and_scope_may(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


def edit(v: Victims, tag: str, body: Any = None) -> Answer:
    clips = [{"start_s": 1.0, "end_s": 4.0}] if body is None else body
    return v.ask("ana", "PUT", f"/v1/jobs/{v.done}/edit-list", clips, If_Match=tag)


def test_what_belongs_to_others_is_not_told_from_what_is_not_there(victims: Victims) -> None:
    for method, end, body in OF_A_JOB:
        foreign, missing = (
            victims.ask("eve", method, f"/v1/jobs/{job}{end}", body, If_Match='"r1"') for job in (victims.done, NOBODY)
        )
        assert foreign.body.replace(victims.done.encode(), NOBODY.encode()) == missing.body


def test_nobody_else_s_page_token_batch_or_idempotency_key_opens_anything(victims: Victims) -> None:
    def listed(who: str, query: str) -> tuple[int, list[Any]]:
        answer = victims.ask(who, "GET", f"/v1/jobs?{query}")
        return answer.status, json.loads(answer.body).get("jobs", [])

    first = victims.ask("ana", "GET", "/v1/jobs?limit=1")
    token = json.loads(first.body)["next_page_token"]
    made_up = page_token(JobQuery(owner="eve"), PlaceInList(created_at=1e12, job_id="z"))
    assert listed("eve", f"limit=1&page_token={token}") == (422, [])
    assert listed("eve", f"page_token={made_up}") == (200, [])
    assert listed("eve", f"batch={victims.batch}") == (200, [])
    asked = {"files": [{"name": "a.mp4", "size_bytes": 1, "content_type": "video/mp4"}]}
    batches = [
        json.loads(victims.ask(who, "POST", "/v1/uploads", asked, Idempotency_Key="mine").body)["batch"]
        for who in ("ana", "eve", "ana")
    ]
    assert batches[0] == batches[2] != batches[1]
    imports = [
        victims.ask(who, "POST", "/v1/jobs", {"source": "gs://footage/match.mp4", "request_id": "r"})
        for who in ("ana", "eve")
    ]
    assert [each.status for each in imports] == [201, 201]
    assert len({json.loads(each.body)["id"] for each in imports}) == 2
    for owner in ("ana", "eve"):
        for job in listed(owner, "limit=200")[1]:
            assert job["owner"] == owner


# Pages of other sites, and other names

FOREIGN = "http://evil.example"


def local_port(v: Victims) -> int:
    return urlsplit(v.place.url).port or 80


@rows(
    ("a page of another site reads", lambda v: v.ask("ana", "GET", "/v1/jobs", Origin=FOREIGN), 403, "wrong_origin"),
    ("a page of another site writes", lambda v: v.ask("ana", "POST", "/v1/uploads", {}, Origin=FOREIGN), 403, "wrong_origin"),
    ("a page without an origin", lambda v: v.ask("ana", "POST", "/v1/uploads", {}, Origin="null"), 403, "wrong_origin"),
    ("a form that is sent", lambda v: v.ask("ana", "POST", f"/v1/jobs/{v.done}/cancel", Sec_Fetch_Site="cross-site"), 403, "wrong_origin"),
    ("a form of plain text", lambda v: v.ask("ana", "POST", "/v1/uploads", raw=b"{}", Content_Type="text/plain"), 415, "not_json"),
    ("a preflight", lambda v: v.ask("", "OPTIONS", "/v1/jobs", Origin=FOREIGN, Access_Control_Request_Method="DELETE"), 403, "wrong_origin"),
    ("an origin that begins like ours", lambda v: v.ask("ana", "GET", "/v1/jobs", Origin=f"{v.place.url}.evil.example"), 403, "wrong_origin"),
    ("an origin of another port", lambda v: v.ask("ana", "GET", "/v1/jobs", Origin="http://127.0.0.1:1"), 403, "wrong_origin"),
    ("an upload from a page of another site", lambda v: start(v.waiting["upload"], Origin=FOREIGN), 403, "wrong_origin"),
    ("a name that leads here (DNS rebinding)", lambda v: v.ask("ana", "GET", "/v1/jobs", Host=f"evil.example:{local_port(v)}"), 421, "wrong_host"),
    ("the same for objects", lambda v: start(v.waiting["upload"], Host="evil.example"), 421, "wrong_host"),
    ("a name that begins like ours", lambda v: v.ask("ana", "GET", "/v1/jobs", Host="localhost.evil.example"), 421, "wrong_host"),
    ("a name and ours", lambda v: v.ask("ana", "GET", "/v1/jobs", Host="evil.example@localhost"), 421, "wrong_host"),
    ("an empty name", lambda v: v.ask("ana", "GET", "/v1/jobs", Host=""), 421, "wrong_host"),
    ("another name beside ours", lambda v: v.ask("ana", "GET", "/v1/jobs", Host="evil.example", X_Forwarded_Host="localhost"), 421, "wrong_host"),
)  # fmt: skip
def test_pages_of_other_sites_and_other_names_of_this_machine_are_refused(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


# The page's files


def web(path: str, method: str = "GET", **headers: str) -> Callable[[Victims], Answer]:
    return lambda v: call(f"{v.place.url}{path}", method, {key.replace("_", "-"): headers[key] for key in headers})


@rows(
    ("..", web("/web/../v1/app.py"), 404, "unknown_path"),
    (".. to the key", web("/web/../../../server.key"), 404, "unknown_path"),
    ("encoded ..", web("/web/%2e%2e/v1/app.py"), 404, "unknown_path"),
    ("encoded twice", web("/web/%252e%252e/v1/app.py"), 404, "unknown_path"),
    ("encoded slashes", web("/web/..%2f..%2fpyproject.toml"), 404, "unknown_path"),
    ("backslashes", web("/web/..%5c..%5cpyproject.toml"), 404, "unknown_path"),
    ("an absolute path", web("/web//etc/passwd"), 404, "unknown_path"),
    ("NUL", web("/web/index.html%00.js"), 404, "unknown_path"),
    ("bytes that are no text", web("/web/%ff%fe.js"), 404, "unknown_path"),
    ("a folder", web("/web/"), 404, "unknown_path"),
    ("the program", web("/web/__init__.py"), 404, "unknown_path"),
    ("a long name", web(f"/web/{'a' * 5000}.js"), 404, "unknown_path"),
    ("writing", web("/web/index.html", "PUT"), 405, "wrong_method"),
    ("a form that is sent to the page", web("/", "POST", Sec_Fetch_Site="cross-site"), 403, "wrong_origin"),
    ("a script of a page of another site", web("/web/app.js", Origin=FOREIGN), 403, "wrong_origin"),
    ("a name that leads here", web("/", Host="evil.example"), 421, "wrong_host"),
)
def test_nothing_but_the_page_is_read_without_a_key(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


def test_no_header_says_where_an_upload_goes_on(victims: Victims) -> None:
    begun = start(victims.waiting["upload"], X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    assert begun.headers["location"].startswith(victims.place.url.replace("127.0.0.1", "localhost"))


# Bodies, names, options, imports

DEEP = b"[" * 100_000 + b"]" * 100_000
FILES = b'{"files": [{"name": "a.mp4", "size_bytes": %b, "content_type": "video/mp4"}]}'


def posted(raw: bytes, path: str = "/v1/uploads", **headers: str) -> Callable[[Victims], Answer]:
    return lambda v: v.ask("ana", "POST", path, raw=raw, **headers)


def edited(raw: bytes) -> Callable[[Victims], Answer]:
    return lambda v: v.ask("ana", "PUT", f"/v1/jobs/{v.done}/edit-list", raw=raw, If_Match='"r1"')


def named(name: str) -> Callable[[Victims], Answer]:
    return lambda v: v.announce(name=name)


def imported(address: str) -> Callable[[Victims], Answer]:
    return lambda v: v.ask("ana", "POST", "/v1/jobs", {"source": address})


@rows(
    ("100 MB", lambda v: too_much(v), 413, "body_too_large"),
    ("100 MB of unknown length", lambda v: call(f"{v.place.url}/v1/uploads", "POST", ana(v), [b" " * 2**20] * 5), 413, "body_too_large"),
    ("deep nesting", posted(DEEP), 400, "bad_json"),
    ("deep nesting of an edit list", edited(DEEP), 400, "bad_json"),
    ("a huge number", posted(FILES % (b"9" * 5000)), 400, "bad_json"),
    ("a huge number in an edit list", edited(b'[{"start_s": %b, "end_s": 4}]' % (b"9" * 5000)), 400, "bad_json"),
    ("a number beyond all", posted(FILES % b"1e999"), 422, "bad_body"),
    ("infinity in an edit list", edited(b'[{"start_s": 0, "end_s": 1e999}]'), 422, "bad_edit_list"),
    ("no number in an edit list", edited(b'[{"start_s": NaN, "end_s": 4}]'), 422, "bad_edit_list"),
    ("a size below zero", posted(FILES % b"-1"), 422, "empty_file"),
    ("a size that is a word", posted(FILES % b'"9"'), 422, "bad_body"),
    ("a size that is true", posted(FILES % b"true"), 422, "bad_body"),
    ("a size beyond the bound", posted(FILES % b"200000000001"), 413, "too_large"),
    ("half a character", posted(b'{"files": [{"name": "\\ud800", "size_bytes": 1, "content_type": "video/mp4"}]}'), 400, "bad_json"),
    ("half a character in an edit list", edited(b'[{"start_s": 0, "end_s": 4, "reasons": ["\\ud800"]}]'), 400, "bad_json"),
    ("bytes that are no text", posted(b'{"files": "\xff\xfe"}'), 400, "bad_json"),
    ("compressed", posted(b"\x1f\x8b\x08" + bytes(1000), Content_Encoding="gzip"), 400, "bad_json"),
    ("the prototype's name", posted(b'{"__proto__": {}, "files": []}'), 422, "bad_body"),
    ("an unknown option", posted(b'{"files": [{"name":"a","size_bytes":1,"content_type":"video/mp4"}], "options": {"command": "rm"}}'), 422, "unknown_option"),
    ("a label of Montage's own", posted(FILES[:-1] % b"1" + b', "labels": {"montage.request": "x"}}'), 422, "bad_body"),
    ("a parameter nobody knows", posted(FILES % b"1", "/v1/uploads?owner=eve"), 422, "unknown_parameter"),
    ("an owner in the body", posted(FILES[:-1] % b"1" + b', "owner": "eve"}'), 422, "bad_body"),
    ("a name: newline", named("a\r\nSet-Cookie: x.mp4"), 422, "bad_name"),
    ("a name: NUL", named("a\0.mp4"), 422, "bad_name"),
    ("a name: escape", named("a\x1b[2J.mp4"), 422, "bad_name"),
    ("a name: C1 control", named("a\u009b2J.mp4"), 422, "bad_name"),
    ("a name: a line of its own", named("a\u2028b.mp4"), 422, "bad_name"),
    ("a name: read backwards", named("a\u202e4pm.exe"), 422, "bad_name"),
    ("a name: ..", named("../.."), 422, "bad_name"),
    ("a name: a folder", named("x/"), 422, "bad_name"),
    ("a name: too long", named("a" * 256), 422, "bad_name"),
    ("a type: HTML", lambda v: v.announce(content_type="text/html"), 422, "wrong_type"),
    ("a type: SVG", lambda v: v.announce(content_type="image/svg+xml"), 422, "wrong_type"),
    ("a type: a header of its own", lambda v: v.announce(content_type="video/mp4\r\nX: y"), 422, "wrong_type"),
    ("an import: another bucket", imported("gs://secret/diary.mp4"), 403, "source_not_allowed"),
    ("an import: ..", imported("gs://footage/../secret/diary.mp4"), 422, "bad_source"),
    ("an import: .. further down", imported("gs://footage/x/../../secret/diary.mp4"), 422, "bad_source"),
    ("an import: .. as a bucket", imported("gs://../secret/diary.mp4"), 422, "bad_source"),
    ("an import: encoded ..", imported("gs://footage/%2e%2e/secret/diary.mp4"), 404, "no_such_source"),
    ("an import: an absolute path", imported("gs://footage//etc/passwd"), 422, "bad_source"),
    ("an import: a backslash", imported("gs://footage/..\\secret\\diary.mp4"), 422, "bad_source"),
    ("an import: NUL", imported("gs://footage/match.mp4\0.jpg"), 422, "bad_source"),
    ("an import: a link out of the folder", imported("gs://footage/link.mp4"), 404, "no_such_source"),
    ("an import: a link to a folder", imported("gs://footage/way-out/diary.mp4"), 404, "no_such_source"),
    ("an import: a pipe", imported("gs://footage/pipe.mp4"), 404, "no_such_source"),
    ("an import: a folder", imported("gs://footage/way-out"), 404, "no_such_source"),
    ("an import: capitals", imported("gs://FOOTAGE/match.mp4"), 422, "bad_source"),
    ("an import: somebody at it", imported("gs://footage@secret/diary.mp4"), 422, "bad_source"),
    ("an import: a port", imported("gs://footage:80/match.mp4"), 422, "bad_source"),
    ("an import: a file's address", imported("file:///etc/passwd"), 422, "bad_source"),
    ("an import: an address of the net", imported("http://169.254.169.254/latest"), 422, "bad_source"),
    ("an import: two addresses", imported("gs://secret/x\ngs://footage/match.mp4"), 422, "bad_source"),
    ("an import: a long name", imported(f"gs://footage/{'a' * 255}"), 404, "no_such_source"),
    ("an import: our own uploads", imported(f"gs://uploads/uploads/{NOBODY}/source"), 403, "source_not_allowed"),
)  # fmt: skip
def test_what_is_asked_for_is_looked_at_before_anything_is_made(
    victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(victims, attack, status, code)


def ana(v: Victims) -> dict[str, str]:
    return {"Authorization": f"Bearer {v.keys['ana']}", "Content-Type": "application/json"}


def too_much(v: Victims) -> Answer:
    """Say that 100 MB are to come, and wait for the answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", local_port(v), timeout=20)) as connection:
        connection.putrequest("POST", "/v1/uploads")
        for key, value in {**ana(v), "Content-Length": str(10**8)}.items():
            connection.putheader(key, value)
        connection.endheaders()
        answer = connection.getresponse()
        headers = {key.lower(): value for key, value in answer.getheaders()}
        return Answer(status=answer.status, headers=headers, body=answer.read())


# Uploads of jobs that are over


def test_of_a_job_that_is_over_nothing_can_be_left_by_an_upload(victims: Victims) -> None:
    before = victims.everything()[1:3]
    for over in (("POST", "/cancel", 200), ("DELETE", "", 202)):
        told = json.loads(victims.announce().body)["jobs"][0]
        session = start(told["upload"]).headers["location"]
        method, end, status = over
        assert victims.ask("ana", method, f"/v1/jobs/{told['job']}{end}").status == status
        assert part(victims, session, f"bytes 0-{len(FILM) - 1}/{len(FILM)}", FILM).code == "unknown_upload", over
        begun_late = start(told["upload"])
        if begun_late.status == 201:
            late = part(victims, begun_late.headers["location"], f"bytes 0-{len(FILM) - 1}/{len(FILM)}", FILM)
            assert late.status == 200
        eventually(partial(is_empty, victims, told["job"]))
    eventually(lambda: victims.everything()[1] == before[0])


def is_empty(v: Victims, job_id: str) -> bool:
    return v.place.objects_of(job_id) == []


def eventually(is_so: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.05)


def test_one_address_opens_a_few_uploads_and_not_hundreds(victims: Victims) -> None:
    upload = json.loads(victims.announce().body)["jobs"][0]["upload"]
    before = len(victims.everything()[2])
    sessions = [start(upload).headers["location"] for _ in range(40)]
    assert len(victims.everything()[2]) == before + MOST_OF_ONE
    assert [part(victims, each, "bytes */*").status for each in sessions[-MOST_OF_ONE:]] == [308] * MOST_OF_ONE
    assert part(victims, sessions[0], "bytes */*").code == "unknown_upload"


# Senders who dawdle


def opened(v: Victims, head: str) -> socket.socket:
    """Return a connection on which so much was sent."""
    connection = socket.create_connection(("127.0.0.1", local_port(v)), timeout=40)
    connection.sendall(head.encode())
    return connection


def is_closed(connection: socket.socket, *, within_s: float) -> bool:
    """Return whether the server ends the connection, whatever it says before."""
    connection.settimeout(within_s)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.slow
def test_whoever_asks_nothing_or_never_ends_does_not_stay(victims: Victims) -> None:
    host = f"Host: localhost:{local_port(victims)}\r\n"
    asked = f"POST /v1/uploads HTTP/1.1\r\n{host}Content-Type: application/json\r\nContent-Length: 900\r\n"
    heads = {"nothing": "", "half a head": f"GET /v1/health HTTP/1.1\r\n{host}X-", "no key": f"{asked}\r\n{{"}
    with ExitStack() as stack:
        dawdling = {what: stack.enter_context(opened(victims, head)) for what, head in heads.items()}
        gives_up_at = time.monotonic() + HEAD_S + 3
        while time.monotonic() < gives_up_at:
            for connection in dawdling.values():  # one that gets a byte now and then is no better
                with suppress(OSError):
                    connection.sendall(b"x")
            time.sleep(1)
        assert {what: is_closed(each, within_s=0.1) for what, each in dawdling.items()} == dict.fromkeys(dawdling, True)


@pytest.mark.slow
def test_hundreds_of_slow_uploads_and_thousands_of_connections_leave_the_server_answering(victims: Victims) -> None:
    with ExitStack() as stack:
        host = f"Host: localhost:{local_port(victims)}\r\n"
        announced = [json.loads(victims.announce().body)["jobs"][0]["upload"] for _ in range(200)]
        for upload in announced:
            session = urlsplit(start(upload).headers["location"])
            head = f"PUT {session.path}?{session.query} HTTP/1.1\r\n{host}Content-Length: {len(FILM)}\r\n\r\nn"
            stack.enter_context(opened(victims, head))
        took_s = sorted(asked_for_a_job(victims) for _ in range(40))
        assert took_s[-3] < 1.0
        half_open = [stack.enter_context(opened(victims, "GET / HTTP/1.1\r\n")) for _ in range(MOST_CONNECTIONS)]
        assert is_closed(half_open[-1], within_s=5)  # one too many
        assert not is_closed(half_open[0], within_s=0.1)
    eventually(lambda: asked_for_a_job(victims) < 1.0)


def asked_for_a_job(v: Victims) -> float:
    """Return how long a status takes; so long as it fails, very long."""
    began_at = time.monotonic()
    try:
        answer = v.ask("ana", "GET", f"/v1/jobs/{v.done}")
    except OSError:
        return 1e9
    assert answer.status == 200
    return time.monotonic() - began_at


# What is no proper request


HOST = "Host: localhost\r\n"
EMPTY = "Content-Length: 0\r\n"
INNER = f"GET /v1/jobs HTTP/1.1\r\n{HOST}\r\n"


@pytest.mark.parametrize(
    ("request_text", "statuses"),
    [
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Content-Length: 0\r\nContent-Length: 9\r\n\r\n{INNER}", [400], id="two lengths"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Content-Length: +9\r\n\r\n{INNER}", [400], id="a length with a sign"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Content-Length: {'9' * 5000}\r\n\r\n{INNER}", [400], id="a length of 5000 digits"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{INNER}", [400], id="two codings"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{INNER}", [400], id="an odd coding"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{INNER}", [400], id="a space before the colon"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}X: a\r\n b\x00c\r\n\r\n", [400], id="NUL in a header"),
        pytest.param(f"GET /v1/jobs HTTP/1.1\r\n{HOST}Host: evil.example\r\n\r\n", [400], id="two hosts"),
        pytest.param("GET /v1/jobs HTTP/1.1\r\n\r\n", [400], id="no host"),
        pytest.param("GET /v1/health HTTP/1.0\r\n\r\n", [421], id="no host, as it was once allowed"),
        pytest.param(f"GET http://evil.example/v1/jobs HTTP/1.1\r\n{HOST}\r\n", [404], id="another host in the first line"),
        pytest.param(f"GET /v1/jobs\r\nX: y HTTP/1.1\r\n{HOST}\r\n", [400], id="a line break in the path"),
        pytest.param(f"TRACE /v1/jobs HTTP/1.1\r\n{HOST}\r\n", [405], id="TRACE"),
        pytest.param(f"CONNECT evil.example:443 HTTP/1.1\r\n{HOST}\r\n", [404], id="CONNECT"),
        pytest.param("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [421, 400], id="HTTP/2"),
        pytest.param(f"GET /v1/jobs HTTP/1.1\r\n{HOST}X: {'x' * 200_000}\r\n\r\n", [400], id="a header of 200 KB"),
        pytest.param(f"GET /v1/jobs HTTP/1.1\r\n{HOST}" + "X: y\r\n" * 60_000 + "\r\n", [400], id="60,000 headers"),
        pytest.param(f"POST /v1/uploads HTTP/1.1\r\n{HOST}{EMPTY}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n{INNER}", [400], id="a length and chunks"),
        pytest.param(f"GET /v1/jobs HTTP/1.1\r\n{HOST}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n", [401], id="a socket of the web"),
    ],
)  # fmt: skip
def test_what_is_no_proper_request_smuggles_nothing_in(
    victims: Victims, request_text: str, statuses: list[int]
) -> None:
    before = victims.everything()
    with opened(victims, "") as connection:
        with suppress(ConnectionError):
            connection.sendall(request_text.encode("latin-1"))
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        said = b""
        connection.settimeout(5)
        with suppress(ConnectionError):
            while piece := connection.recv(65536):
                said += piece
    found = [int(each) for each in re.findall(rb"HTTP/1.1 (\d{3}) ", said)]
    is_cut_off = len(request_text) > 65536 and not found  # the end of the connection may overtake the answer
    assert found == statuses or is_cut_off, said[:500]
    assert victims.everything() == before


# What comes back, and what is written down


def test_what_is_stored_is_shown_by_no_browser_and_splits_no_header(victims: Victims) -> None:
    reel = victims.ask("ana", "GET", f"/v1/jobs/{victims.done}/reel")
    answer = call(reel.headers["location"], headers={"Range": "bytes=" + ",".join(["0-1"] * 1000)})
    assert (answer.status, answer.body) == (200, FILM)  # thousands of ranges are not thousands of parts
    shown = {key: answer.headers[key] for key in ("content-security-policy", "x-content-type-options", "cache-control")}
    assert shown == {
        "content-security-policy": "sandbox",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('attachment; filename="') and disposition.isascii()
    assert disposition.count('"') == 2 and "set-cookie" not in answer.headers
    told = victims.ask("ana", "GET", f"/v1/jobs/{victims.done}")
    assert told.headers["content-type"] == "application/json" and HTML in json.loads(told.body)["source"]["name"]
    for path in (f"/v1/jobs/{HTML}", f"/{HTML}", f"/v1/jobs?{HTML}=1", "/v1/jobs/%0d%0aSet-Cookie:x=y"):
        refused = victims.ask("ana", "GET", path)
        assert refused.headers["content-type"] == "application/problem+json", path
        assert refused.headers["x-content-type-options"] == "nosniff" and "set-cookie" not in refused.headers


def test_labels_and_names_of_any_letters_come_back_as_they_are(victims: Victims) -> None:
    name, label = (
        "<img src=x onerror=alert(1)>\u0627\u200f\u0301\U0001f600.mp4",
        "'; DROP TABLE jobs; --\u0000\u202e<b>",
    )
    file = {"name": name, "size_bytes": 1, "content_type": "video/mp4"}
    made = victims.ask("ana", "POST", "/v1/uploads", {"files": [file], "labels": {"note": label}})
    told = victims.ask("ana", "GET", f"/v1/jobs/{json.loads(made.body)['jobs'][0]['job']}")
    assert (json.loads(told.body)["source"]["name"], json.loads(told.body)["labels"]) == (name, {"note": label})


def test_no_log_holds_a_key_a_signature_or_a_line_of_somebody_else(victims: Victims) -> None:
    victims.ask("ana", "GET", '/v1/jobs/%0a{"severity":"forged"}')
    start(victims.waiting["upload"], x_goog_acl="forged\x7f")
    folder = victims.folder
    logs = [path for path in (folder / "serve.log", *folder.glob("home/**/*.log")) if path.is_file()]
    text = "\n".join(path.read_text() for path in logs)
    assert "object_refused" in text and "handled" in text
    secrets = [key for key in victims.keys.values() if key.startswith("montage_")]
    secrets += re.findall(r"signature=(\w+)", victims.waiting["upload"]["url"])
    secrets += re.findall(r"upload_id=(\S+)", victims.begun)
    assert [each for each in secrets if each in text] == []
    assert not re.search(r'^\{"severity":"forged"', text, re.MULTILINE)


@pytest.mark.slow
def test_whoever_has_a_signed_address_after_the_key_was_revoked_gets_no_more_than_it_says(victims: Victims) -> None:
    key = victims.place.key("ana", ("read",))
    shown = {"Authorization": f"Bearer {key}"}
    address = call(f"{victims.place.url}/v1/jobs/{victims.done}/reel", headers=shown).headers["location"]
    victims.place.keys.revoke(hash_of(key), at=time.time())
    assert call(address, headers=shown).body == FILM
    eventually(lambda: call(f"{victims.place.url}/v1/jobs", headers=shown).status == 401)


# The same addresses where Cloud Storage answers for them


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatedCloud]:
    with emulated_cloud(tmp_path_factory.mktemp("cloud"), functions=("on_upload", "api")) as here, here.explaining():
        yield here


@pytest.fixture(scope="module")
def cloud_victims(cloud: EmulatedCloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victims]:
    with emulated(cloud) as place:
        yield replace(made(place, tmp_path_factory.mktemp("attacks")), settings=cloud.settings)


@pytest.mark.emulators
@pytest.mark.slow
@pytest.mark.timeout(300)
@rows(
    ("tampered: signature", lambda v: changed(v.waiting["upload"], r"X-Goog-Signature=....", "X-Goog-Signature=0000"), 403, "SignatureDoesNotMatch"),
    ("tampered: no signature", lambda v: changed(v.waiting["upload"], r"&X-Goog-Signature=[^&]*", ""), 403, "SignatureDoesNotMatch"),
    ("tampered: good for longer", lambda v: changed(v.waiting["upload"], r"X-Goog-Expires=\d", "X-Goog-Expires=9"), 403, "SignatureDoesNotMatch"),
    ("tampered: something added", lambda v: changed(v.waiting["upload"], r"$", "&x=1"), 403, "SignatureDoesNotMatch"),
    ("tampered: fewer headers signed", lambda v: changed(v.waiting["upload"], r"%3Bx-goog-if-generation-match", ""), 403, "SignatureDoesNotMatch"),
    ("other object's", lambda v: changed(v.waiting["upload"], v.waiting["job"], v.other["job"]), 403, "SignatureDoesNotMatch"),
    ("other object's: another bucket", lambda v: changed(v.waiting["upload"], r"uploads(?=[^/]*/uploads/)", "downloads"), 403, "SignatureDoesNotMatch"),
    ("path tricks: ../", lambda v: changed(v.waiting["upload"], "/source", "/x/../source"), 403, "SignatureDoesNotMatch"),
    ("another method: GET for POST", lambda v: start({**v.waiting["upload"], "method": "GET"}), 403, "SignatureDoesNotMatch"),
    ("another method: DELETE", lambda v: start({**v.whole["upload"], "method": "DELETE"}), 403, "SignatureDoesNotMatch"),
    ("expired", lambda v: start(expired_in_the_cloud(v)), 400, "ExpiredToken"),
    ("wrong type", lambda v: start(v.waiting["upload"], content_type="text/html"), 403, "SignatureDoesNotMatch"),
    ("another size range", lambda v: start(v.waiting["upload"], x_goog_content_length_range="0,999999"), 403, "SignatureDoesNotMatch"),
    ("overwriting", lambda v: start(v.waiting["upload"], x_goog_if_generation_match="1"), 403, "SignatureDoesNotMatch"),
    ("overwriting: not said", lambda v: start(v.waiting["upload"], x_goog_if_generation_match=""), 400, "MalformedSecurityHeader"),
    ("replayed after it was used", lambda v: completed(v.arrived["upload"], FILM), 412, "PreconditionFailed"),
    ("longer than declared", lambda v: completed(v.waiting["upload"], FILM + b"x"), 400, "EntityTooLarge"),
    ("longer than declared: as one", lambda v: call(v.whole["upload"]["url"], "PUT", v.whole["upload"]["headers"], FILM + b"x"), 400, "EntityTooLarge"),
)  # fmt: skip
def test_a_signed_address_of_the_cloud_does_what_it_was_signed_for(
    cloud_victims: Victims, attack: Callable[[Victims], Answer], status: int, code: str
) -> None:
    assert_refused(cloud_victims, attack, status, code)


def completed(upload: Mapping[str, Any], data: bytes) -> Answer:
    """Begin an upload in parts and send all of it."""
    begun = start(upload)
    return begun if begun.status != 201 else call(begun.headers["location"], "PUT", {}, data)


def expired_in_the_cloud(v: Victims) -> Mapping[str, Any]:
    assert v.settings is not None
    signers = connect_signers(v.settings)
    signed = signers.uploads.resumable_upload(
        source(v.waiting["job"]), content_type="video/mp4", max_bytes=len(FILM), expires_s=1
    )
    time.sleep(2.0)
    return {"url": signed.url, "method": signed.method, "headers": signed.headers}


@pytest.mark.emulators
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("over", [("POST", "/cancel"), ("DELETE", "")])
def test_an_upload_to_the_cloud_that_ends_after_its_job_leaves_nothing(
    cloud_victims: Victims, over: tuple[str, str]
) -> None:
    told = json.loads(cloud_victims.announce().body)["jobs"][0]
    session = start(told["upload"]).headers["location"]
    method, end = over
    assert cloud_victims.ask("ana", method, f"/v1/jobs/{told['job']}{end}").status in (200, 202)
    assert call(session, "PUT", {}, FILM).status == 200
    eventually(partial(is_empty, cloud_victims, told["job"]))
