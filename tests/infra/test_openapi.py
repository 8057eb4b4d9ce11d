"""The description of the API is that of its routes, and complete."""

import json
import re
from typing import Any

import pytest

from functions.v1 import bodies
from functions.v1.documented import SENTENCES
from functions.v1.problems import STATUS_OF_CODE, TITLES
from infra.make_openapi import DOCUMENT, text

KEPT: dict[str, Any] = json.loads(text())
OPERATIONS = {
    f"{method.upper()} {path}": operation for path, item in KEPT["paths"].items() for method, operation in item.items()
}


def test_the_kept_document_is_that_of_the_routes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == text(), "the API has changed: run `make openapi`"


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_what_it_is_for_and_what_may_go_wrong(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["tags"] and operation["summary"] and operation["description"]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", operation["operationId"])
    wrong = {status: answer for status, answer in operation["responses"].items() if status >= "4"}
    assert {"403", "422", "429", "500"} <= set(wrong)
    for status, answer in wrong.items():
        (content,) = answer["content"].values()
        for code, example in content["examples"].items():
            assert (example["value"]["code"], example["value"]["status"]) == (code, int(status))


def test_codes_of_what_passes_by_itself_are_told_to_be_open_and_so_is_the_schema_s() -> None:
    busy = [each["responses"]["503"] for each in OPERATIONS.values() if "503" in each["responses"]]
    assert len(busy) == len(OPERATIONS) - 1  # all but health
    for each in busy:
        assert "`try_again`" in each["description"] and "another code of ours" in each["description"]
    code = KEPT["components"]["schemas"]["Problem"]["properties"]["code"]
    assert code["type"] == "string" and "enum" not in code and "New ones may come" in code["description"]


@pytest.mark.parametrize(
    "name",
    ["POST /v1/uploads", "POST /v1/jobs", "POST /v1/jobs/{job_id}/retry", "PUT /v1/jobs/{job_id}/edit-list"],
)
def test_what_writes_objects_says_that_the_disk_may_be_full(name: str) -> None:
    assert set(OPERATIONS[name]["responses"]["507"]["content"]["application/problem+json"]["examples"]) == {"disk_full"}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_shows_an_example_of_what_is_sent_and_answered(name: str) -> None:
    operation = OPERATIONS[name]
    shown = [operation["requestBody"]] if "requestBody" in operation else []
    shown += [answer for status, answer in operation["responses"].items() if status < "3"]
    for each in shown:
        reference = each["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        assert KEPT["components"]["schemas"][reference]["examples"]


@pytest.mark.parametrize("name", [name for name, each in vars(bodies).items() if hasattr(each, "model_config")])
def test_examples_are_of_the_form_they_stand_for(name: str) -> None:
    model = getattr(bodies, name)
    for example in (model.model_config.get("json_schema_extra") or {}).get("examples", ()):
        model.model_validate_json(json.dumps(example))


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    used = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(KEPT)))
    assert used == set(KEPT["components"]["schemas"])


def test_only_health_needs_no_key() -> None:
    assert KEPT["security"] == [{"key": []}]
    assert [name for name, each in OPERATIONS.items() if "security" in each] == ["GET /v1/health"]


def test_codes_of_the_document_have_the_statuses_of_the_answers_on_any_python() -> None:
    assert {code: SENTENCES[code][0] for code in STATUS_OF_CODE if code in SENTENCES} == {
        code: status for code, status in STATUS_OF_CODE.items() if code in SENTENCES
    }
    assert set(STATUS_OF_CODE) <= set(SENTENCES)
    assert TITLES[413] == "Content Too Large"
