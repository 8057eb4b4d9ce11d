"""The API is called in all the ways its description allows, and in others: every answer is one that it describes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.generation import GenerationMode

from tests.functions.v1.local_api import LocalApi, local_api

LEFT_OUT = {
    "positive_data_acceptance": "limits of options depend on each other, which JSON Schema cannot say",
    "ignored_auth": "one machine asks for no keys; test_callers.py shows who is let in",
    "missing_required_header": "If-Match is described as one that may be missing, since there is a status for that",
    "ensure_resource_availability": "a job is imported only from buckets that are allowed; here there is none",
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
    ("GET", "/v1/batches/{batch_id}"),
    ("GET", "/v1/health"),
]


@contextmanager
def described(home: Path) -> Iterator[tuple[LocalApi, Any]]:
    """Yield the API and its description as schemathesis reads it."""
    load_all_checks()
    with local_api(home) as api:
        schema = schemathesis.openapi.from_asgi("/v1/openapi.json", api.app, headers={"Host": "localhost"})
        schema.raw_schema.pop("security")  # one machine asks for no keys, and takes no offence at them
        schema.config.checks.negative_data_rejection.expected_statuses = [*map(str, range(400, 429))]
        schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
        yield api, schema


def call(home: Path, operation: tuple[str, str], *, examples: int) -> None:
    """Call one operation with so many requests, half of them wrong; jobs that are there are asked for, too."""
    method, path = operation
    with described(home) as (api, schema):
        there = api.announce()
        known = {"job_id": there["jobs"][0]["job"], "batch_id": there["batch"]}
        checks = CHECKS.get_by_names([name for name in CHECKS.get_all_names() if name not in LEFT_OUT])
        count = 0

        def ask(case: Any) -> None:
            nonlocal count
            count += 1
            if count % 2 and case.path_parameters:
                case.path_parameters = {
                    **case.path_parameters,
                    **{k: v for k, v in known.items() if k in case.path_parameters},
                }
            case.call_and_validate(checks=checks, headers={"Host": "localhost"})

        for mode in GenerationMode.POSITIVE, GenerationMode.NEGATIVE:
            strategy = schema[path][method].as_strategy(generation_mode=mode)
            run = settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(strategy)(ask))  # type: ignore[no-untyped-call]
            with suppress(Unsatisfiable):  # nothing about a request without parameters can be wrong
                run()
        assert count


def test_the_operations_are_all_called(tmp_path: Path) -> None:
    with described(tmp_path) as (_, schema):
        assert sorted((each.ok().method.upper(), each.ok().path) for each in schema.get_all_operations()) == sorted(
            OPERATIONS
        )


@pytest.mark.parametrize("operation", [("POST", "/v1/uploads"), ("PUT", "/v1/jobs/{job_id}/edit-list")], ids=str)
def test_a_few_requests_are_answered_as_described(tmp_path: Path, operation: tuple[str, str]) -> None:
    call(tmp_path, operation, examples=5)


@pytest.mark.slow
@pytest.mark.parametrize("operation", OPERATIONS, ids=str)
def test_whatever_is_asked_is_answered_as_described(tmp_path: Path, operation: tuple[str, str]) -> None:
    call(tmp_path, operation, examples=100)
