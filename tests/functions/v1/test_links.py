"""GET /v1/jobs/{id}/links, and what lists tell of results."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from functions.v1 import callers
from functions.v1.callers import Caller
from shared.domain.object_names import source
from tests.functions.v1.job_stock import FILM_S, JobStock
from tests.functions.v1.local_api import LocalApi, local_api


@pytest.fixture
def api(tmp_path: Path) -> Iterator[LocalApi]:
    with local_api(tmp_path / "home", download_url_expires_s=600) as api:
        yield api


@pytest.fixture
def stock(api: LocalApi) -> JobStock:
    return JobStock(api=api)


def asked(api: LocalApi, job_id: str, names: str | None = None) -> Any:
    query = {} if names is None else {"names": names}
    return api.client.get(f"/v1/jobs/{job_id}/links", params=query)


def assert_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    told: dict[str, Any] = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    return told


def test_all_that_there_is_is_told_with_addresses_that_need_no_key_until_they_expire(
    api: LocalApi, stock: JobStock
) -> None:
    answer = asked(api, stock.job("done").id)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    told = answer.json()
    kinds = {name: link["content_type"] for name, link in told["links"].items()}
    assert kinds == {
        "poster": "image/jpeg",
        "reel": "video/mp4",
        "report": "application/json",
        "source": "video/mp4",
    }
    assert told["expires_at"] == "1970-01-12T13:56:40Z"
    for name, content in {"reel": b"made", "source": b"film"}.items():
        link = told["links"][name]
        there = api.client.get(link["url"])
        assert (there.status_code, there.content) == (200, content)
        part = api.client.get(link["url"], headers={"Range": "bytes=1-2"})
        assert (part.status_code, part.content) == (206, content[1:3])
    api.clock.now += 600
    assert api.client.get(told["links"]["reel"]["url"]).json()["code"] == "url_expired"


@pytest.mark.parametrize(
    ("names", "there"),
    [("reel", {"reel"}), ("poster,reel", {"poster", "reel"}), (" reel , source,reel", {"reel", "source"})],
)
def test_only_what_is_asked_for_by_name_is_signed(api: LocalApi, stock: JobStock, names: str, there: set[str]) -> None:
    assert set(asked(api, stock.job("done").id, names).json()["links"]) == there


@pytest.mark.parametrize("names", ["trailer", "reel,trailer", "reel,", ",", "REEL", "reel.mp4", "../reel", "reel\0"])
def test_a_name_that_is_none_is_answered_with_those_that_are(api: LocalApi, stock: JobStock, names: str) -> None:
    told = assert_problem(asked(api, stock.job("done").id, names), 404, "unknown_artifact")
    assert told["artifacts"] == ["poster", "reel", "report", "source"]


def test_a_source_that_is_not_kept_any_more_is_left_out_unless_it_was_asked_for(api: LocalApi, stock: JobStock) -> None:
    job = stock.job("done")
    api.cloud.uploads.delete(source(job.id))
    assert set(asked(api, job.id).json()["links"]) == {"poster", "reel", "report"}
    assert_problem(asked(api, job.id, "reel,source"), 410, "source_expired")


def test_before_there_is_anything_there_are_no_links(api: LocalApi, stock: JobStock) -> None:
    job = stock.job("awaiting")
    assert asked(api, job.id).json()["links"] == {}
    assert assert_problem(asked(api, job.id, "source"), 404, "unknown_artifact")["artifacts"] == []
    assert set(asked(api, stock.job("analysing").id).json()["links"]) == {"source"}


def test_of_a_source_the_type_its_owner_said_is_told_and_else_the_stored_one(api: LocalApi, stock: JobStock) -> None:
    job = stock.job("done")
    unsaid = replace(job.source, content_type=None)
    api.cloud.jobs.update(job.id, lambda job: replace(job, source=unsaid))
    assert asked(api, job.id, "source").json()["links"]["source"]["content_type"] == "application/octet-stream"


def test_a_job_that_is_being_erased_has_no_links_any_more(api: LocalApi, stock: JobStock) -> None:
    job = stock.job("done")
    api.cloud.jobs.update(job.id, lambda job: replace(job, state="erasing"))
    assert assert_problem(asked(api, job.id), 404, "erasing")["state"] == "erasing"


def test_links_are_for_readers_of_the_job_s_owner(
    api: LocalApi, stock: JobStock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = stock.job("done")
    for owner, scope, status, code in (
        ("eve", "read", 404, "unknown_job"),
        ("local", "upload", 403, "wrong_scope"),
    ):
        caller = Caller(owner=owner, scopes=frozenset({scope}))  # type: ignore[arg-type]
        monkeypatch.setattr(callers, "caller_of", lambda *_, who=caller, **__: who)
        assert_problem(asked(api, job.id), status, code)


def test_rows_tell_what_there_is_and_how_long_it_is(api: LocalApi, stock: JobStock) -> None:
    batch = stock.batch()
    rows = api.client.get(f"/v1/batches/{batch}").json()["jobs"]
    told = {row["name"]: (row["artifacts"], row["reel_s"], row["duration_s"]) for row in rows}
    assert told == {
        "awaiting.mp4": ([], None, None),
        "analysing.mp4": ([], None, FILM_S),
        "done.mp4": (["poster", "reel", "report"], 5.0, FILM_S),
        "failed.mp4": ([], None, FILM_S),
    }
    assert sorted(api.client.get("/v1/jobs").json()["jobs"], key=str) == sorted(rows, key=str)
