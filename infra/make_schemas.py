"""Write the JSON schemas of Montage's messages, for whoever writes a system that talks to it: `make schemas`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from shared.domain.messages import DeadLetter, JobEvent, JobRequested, StageDone, StageRequested

SCHEMAS = Path(__file__).parent / "schemas"
PUBLISHED: Mapping[str, tuple[type[BaseModel], JsonSchemaMode]] = {
    "dead-letters": (DeadLetter, "serialization"),
    "job-events": (JobEvent, "serialization"),
    "job-requests": (JobRequested, "validation"),
    "stage-done": (StageDone, "serialization"),
    "stage-requested": (StageRequested, "serialization"),
}
"""By topic; what others write is described as it is read, what we write as it is written."""


def schemas() -> Mapping[str, str]:
    """Return the text of each schema by its file name. It describes a message's body: a CloudEvent's data."""
    return {f"{topic}.json": _text(topic, model, mode) for topic, (model, mode) in PUBLISHED.items()}


def _text(topic: str, model: type[BaseModel], mode: JsonSchemaMode) -> str:
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{topic}.json",
        **model.model_json_schema(mode=mode),
    }
    if mode == "serialization":
        del schema["additionalProperties"]  # what we write may have more fields one day; readers pass them over
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write every schema and remove those of topics that are no more."""
    SCHEMAS.mkdir(exist_ok=True)
    texts = schemas()
    for path in SCHEMAS.glob("*.json"):
        if path.name not in texts:
            path.unlink()
    for name, text in texts.items():
        (SCHEMAS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
