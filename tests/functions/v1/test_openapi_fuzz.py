"""The API is called in all the ways its description allows, and in others: every answer is one that it describes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from tests.functions.v1.job_stock import FILES, FILM_S, KINDS, JobStock, Kind
from tests.functions.v1.local_api import LocalApi, local_api

LEFT_OUT = {
    "positive_data_acceptance": "limits of options depend on each other, which JSON Schema cannot say",
    "ignored_auth": "one machine asks for no keys; test_callers.py shows who is let in",
    "missing_required_header": "If-Match is described as one that may be missing, since there is a status for that",
    "ensure_resource_availability": "a job is imported only from buckets that are allowed, and made with one request",
    "use_after_free": "each operation is called alone",
    "object_level_authorization": "there is one caller; test_routes.py shows that others' jobs are not there",
}
OPERATIONS = [
    ("POST", "/v1/uploads"),
    ("GET", "/v1/jobs"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs/{job_id}"),
    ("DELETE", "/v1/jobs/{job_id}"),
    ("POST", "/v1/jobs/{job_id}/cancel"),
    ("POST", "/v1/jobs/{job_id}/retry"),
    ("PUT", "/v1/jobs/{job_id}/edit-list"),
    ("GET", "/v1/jobs/{job_id}/reel"),
    ("GET", "/v1/jobs/{job_id}/artifacts/{name}"),
    ("GET", "/v1/jobs/{job_id}/links"),
    ("GET", "/v1/batches/{batch_id}"),
    ("GET", "/v1/health"),
]
EDIT_LISTS: list[Any] = [
    [{"start_s": 1.0, "end_s": 4.0}],
    {"clips": [{"wanted": [2.0, FILM_S]}, {"wanted": [0, 1.5]}], "render": "encode"},
    {"edit_list": {"clips": [{"wanted": [3.0, 9.0], "score": 0.5}], "join": {"kind": "crossfade", "duration_s": 0.5}}},
    [{"start_s": FILM_S, "end_s": FILM_S + 1}],
]
"""Of a film as long as the stock's; the last one lies behind it."""
IMPORTS: list[Any] = [
    {"source": "gs://footage/match.mp4"},
    {"source": "gs://footage/match.mp4", "request_id": "1"},
    {"source": "gs://footage/match.mp4", "request_id": "1", "labels": {"match": "17"}},
    {"source": "gs://footage/gone.mp4"},
]
UPLOADS: list[Any] = [
    {"files": [{"name": "ride.mp4", "size_bytes": 100, "content_type": "video/mp4"}]},
    {"files": [{"name": "talk.m4a", "size_bytes": 1, "content_type": "audio/mp4"}], "resumable": False},
    {"files": [{"name": "ride.mp4", "size_bytes": 0, "content_type": "video/mp4"}]},
]
PUT = ("PUT", "/v1/jobs/{job_id}/edit-list")
BODIES = {("POST", "/v1/uploads"): UPLOADS, ("POST", "/v1/jobs"): IMPORTS, PUT: EDIT_LISTS}
HEADERS: dict[tuple[str, str], list[dict[str, str]]] = {
    PUT: [{"If-Match": each} for each in ('"r1"', '"r2", "r1"', "*", '"r2"')] + [{}],
    ("POST", "/v1/uploads"): [{"Idempotency-Key": "k"}, {}, {}],
}
KIND: dict[tuple[str, str], Kind] = {
    ("POST", "/v1/jobs/{job_id}/retry"): "failed",
    ("POST", "/v1/jobs/{job_id}/cancel"): "analysing",
}
"""Of the job that the operation needs, where it is not one that is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of a request is replaced by something that is there; None leaves what schemathesis thought of."""

    kind: Kind | None = None
    """Of the job, which is made anew for this request."""
    artifact: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    query: dict[str, str] | None = None

    def put_into(self, case: Any, operation: tuple[str, str], stock: JobStock) -> None:
        """Change the request."""
        found = {}
        if self.kind is not None:
            if "{job_id}" in operation[1]:
                found["job_id"] = stock.job(self.kind).id
            if "{batch_id}" in operation[1]:
                found["batch_id"] = stock.batch()
        if self.artifact is not None and "{name}" in operation[1]:
            found["name"] = self.artifact
        if found:
            case.path_parameters = {**(case.path_parameters or {}), **found}
        if self.headers:
            case.headers = {**(case.headers or {}), **self.headers}
        if self.body is not None:
            case.body, case.media_type = self.body, "application/json"
        if self.query is not None:
            case.query = self.query


def chosen(operation: tuple[str, str], random: Random) -> Choice:
    """Return a choice with which the operation succeeds a good part of the time."""
    bodies = BODIES.get(operation, [None])
    return Choice(
        kind=random.choice((KIND.get(operation, "done"), *KINDS, None)),
        artifact=random.choice((*FILES, "source", None)),
        headers=random.choice(HEADERS.get(operation, [{}])),
        body=random.choice((*bodies, bodies[0], None)),
        query=random.choice((None, {}, {}, {}, {}, {"surprise": "1"})),
    )


@contextmanager
def described(home: Path) -> Iterator[tuple[LocalApi, Any]]:
    """Yield the API and its description as schemathesis reads it; a film lies in a bucket that is allowed."""
    load_all_checks()
    (home / "footage").mkdir()
    (home / "footage" / "match.mp4").write_bytes(b"film")
    with local_api(home / "montage", request_folders=f"footage={home / 'footage'}") as api:
        schema = schemathesis.openapi.from_asgi("/v1/openapi.json", api.app, headers={"Host": "localhost"})
        schema.raw_schema.pop("security")  # one machine asks for no keys, and takes no offence at them
        schema.config.checks.negative_data_rejection.expected_statuses = [*map(str, range(400, 429))]
        schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
        yield api, schema


def send(schema: Any, operation: tuple[str, str], case: Any) -> int:
    """Send the request, hold the answer to the description and return its status."""
    checks = CHECKS.get_by_names([name for name in CHECKS.get_all_names() if name not in LEFT_OUT])
    answer = case.call_and_validate(checks=checks, headers={"Host": "localhost"})
    status: int = answer.status_code
    if status >= 400:
        told = answer.json()
        own = "crashed_worker" if told.get("state") == "failed" else None  # a failed job tells its own error
        assert told["code"] in {own, *codes(schema, operation, status)}, told
    return status


def codes(schema: Any, operation: tuple[str, str], status: int) -> set[str]:
    """Return the codes that the description has for this status of the operation."""
    method, path = operation
    content = schema.raw_schema["paths"][path][method.lower()]["responses"][str(status)]["content"]
    return {*content["application/problem+json"]["examples"]}


def successes(schema: Any, operation: tuple[str, str]) -> set[int]:
    """Return the statuses below 400 that the operation is described with."""
    method, path = operation
    return {int(each) for each in schema.raw_schema["paths"][path][method.lower()]["responses"] if int(each) < 400}


def call(api: LocalApi, schema: Any, operation: tuple[str, str], *, examples: int) -> tuple[Counter[int], set[int]]:
    """Call one operation with so many requests, half of them wrong: how often each status came, and which should.

    Jobs that are there are asked for, too, each made anew for its request.
    """
    method, path = operation
    stock = JobStock(api=api, numbers=count(1000))
    stock.batch()  # for lists
    seen: Counter[int] = Counter()

    def ask(case: Any, seed: int) -> None:
        # Hypothesis likes to draw the same seed: with the request in it the choices are spread, yet repeatable.
        random = Random(f"{seed} {case.path_parameters} {case.headers} {case.query} {case.body}")
        chosen(operation, random).put_into(case, operation, stock)
        seen[send(schema, operation, case)] += 1

    for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
        strategy = schema[path][method].as_strategy(generation_mode=mode)
        run = settings(
            max_examples=examples,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )(given(strategy, st.integers(0, 2**32 - 1))(ask))
        with suppress(Unsatisfiable):  # nothing about a request without parameters can be wrong
            run()
    return seen, successes(schema, operation)


RIGHT: dict[str, tuple[Choice, int]] = {
    "POST /v1/uploads": (Choice(body=UPLOADS[0]), 201),
    "GET /v1/jobs": (Choice(), 200),
    "POST /v1/jobs": (Choice(body=IMPORTS[0]), 201),
    "GET /v1/jobs/{job_id}": (Choice(kind="analysing"), 200),
    "DELETE /v1/jobs/{job_id}": (Choice(kind="done"), 202),
    "POST /v1/jobs/{job_id}/cancel": (Choice(kind="analysing"), 200),
    "POST /v1/jobs/{job_id}/retry": (Choice(kind="failed"), 202),
    "PUT /v1/jobs/{job_id}/edit-list": (Choice(kind="done", headers=HEADERS[PUT][0], body=EDIT_LISTS[0]), 202),
    "GET /v1/jobs/{job_id}/reel": (Choice(kind="done"), 302),
    "GET /v1/jobs/{job_id}/artifacts/{name}": (Choice(kind="done", artifact="source"), 302),
    "GET /v1/jobs/{job_id}/links": (Choice(kind="done", query={"names": "reel,source"}), 200),
    "GET /v1/batches/{batch_id}": (Choice(kind="done"), 200),
    "GET /v1/health": (Choice(), 200),
}


def test_what_is_asked_for_rightly_is_done_and_a_few_odd_requests_are_answered_as_described(tmp_path: Path) -> None:
    with described(tmp_path) as (api, schema):
        there = [(each.ok().method.upper(), each.ok().path) for each in schema.get_all_operations()]
        assert sorted(there) == sorted(OPERATIONS)
        stock = JobStock(api=api)
        assert [tuple(name.split()) for name in RIGHT] == OPERATIONS
        for name, (choice, status) in RIGHT.items():
            method, path = name.split()
            case = schema[path][method].Case()
            choice.put_into(case, (method, path), stock)
            assert (name, send(schema, (method, path), case)) == (name, status)
        assert call(api, schema, PUT, examples=3)[0]


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_whatever_is_asked_is_answered_as_described(tmp_path: Path, operation: tuple[str, str]) -> None:
    with described(tmp_path) as (api, schema):
        seen, documented = call(api, schema, operation, examples=100)
    assert documented <= {*seen}, f"never answered: {documented - {*seen}}; {seen}"
    assert any(400 <= status < 500 for status in seen), seen
