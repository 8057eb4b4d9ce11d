import json

import pytest

from infra.make_schemas import PUBLISHED, SCHEMAS, schemas
from shared.domain.messages import HANDLED_TOPICS, JobRequested


def test_the_schemas_are_those_of_the_messages() -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.glob("*.json")}
    assert there == schemas(), "the messages have changed: run `make schemas`"


def test_every_topic_has_a_schema_but_the_bucket_s() -> None:
    assert set(PUBLISHED) == {*HANDLED_TOPICS, "job-events", "dead-letters"} - {"object-finalized"}


@pytest.mark.parametrize("topic", PUBLISHED)
def test_a_schema_names_its_topic_and_only_what_others_write_is_closed(topic: str) -> None:
    schema = json.loads(schemas()[f"{topic}.json"])
    assert schema["properties"]["topic"]["const"] == topic
    assert schema.get("additionalProperties", True) is (topic != "job-requests")


def test_a_request_needs_its_id_and_its_source_and_its_options_are_told_one_by_one() -> None:
    schema = json.loads(schemas()["job-requests.json"])
    assert sorted(schema["required"]) == ["request_id", "source"]
    options = schema["$defs"]["Options"]
    assert options["additionalProperties"] is False
    assert set(options["properties"]) == set(JobRequested.model_fields["options"].default.__slots__)
