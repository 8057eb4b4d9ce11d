"""The OpenAPI document: what the routes say of themselves, and what they read by themselves."""

import ast
import inspect
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from functions.v1 import bodies
from functions.v1.bodies import EditListAsked, ImportAsked, ProblemTold, UploadsAsked

RENAMED = {"Options": "OptionsAsked", "MotionOptions": "MotionOptionsAsked", "ProblemTold": "Problem"}
"""Of options as they are read all may be left out; answers have all of them."""


def described(made: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of an application, made once."""
    if made.openapi_schema is None:
        made.openapi_schema = _described(made)
    return made.openapi_schema


def _described(made: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=made.title,
        version=made.version,
        openapi_version=made.openapi_version,
        summary=made.summary,
        description=made.description,
        routes=made.routes,
        tags=made.openapi_tags,
        license_info=made.license_info,
    )
    components = document.setdefault("components", {})
    schemas = {**components.get("schemas", {}), **_body_schemas()}
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    _describe_fields(schemas)
    components["schemas"] = dict(sorted(schemas.items()))
    key = {"type": "http", "scheme": "bearer", "description": "A key made by `montage keys create`."}
    components["securitySchemes"] = {"key": key}
    document["security"] = [{"key": []}]
    return document


def _body_schemas() -> dict[str, Any]:
    """Return the schemas of what routes read by themselves. Of options as they are read all may be left out."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (UploadsAsked, "validation"),
        (ImportAsked, "validation"),
        (EditListAsked, "validation"),
        (ProblemTold, "serialization"),
    ]
    _, found = models_json_schema(models, ref_template="#/components/schemas/{model}")
    text = json.dumps(found["$defs"])
    for name in ("MotionOptions", "Options"):
        text = text.replace(f'schemas/{name}"', f'schemas/{name}Asked"')
    schemas: dict[str, Any] = json.loads(text)
    return {RENAMED.get(name, name): schema for name, schema in schemas.items()}


def _describe_fields(schemas: Mapping[str, Any]) -> None:
    """Add to the schemas what stands below the fields of the bodies.

    Pydantic can do so, too, but as the models are made: it parses the file anew for each of them, 45 ms at every start.
    """
    for each in ast.parse(inspect.getsource(bodies)).body:
        if not isinstance(each, ast.ClassDef):
            continue
        properties = schemas.get(RENAMED.get(each.name, each.name), {}).get("properties", {})
        for field, below in pairwise(each.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(words))):
                    if name in properties:
                        properties[name].setdefault("description", words)
