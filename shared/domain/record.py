"""Values to plain dicts and back, for the edges where records are stored or sent."""

from functools import cache
from typing import Any, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")


@cache  # building an adapter takes milliseconds, using one microseconds
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_dict(value: object) -> Any:
    """Return the value as plain JSON types; fractions become strings such as "30000/1001"."""
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode="json")


def from_dict(kind: type[T], data: Any) -> T:
    """Return the value that `to_dict` described; fields of a newer schema are passed over.

    Raises pydantic.ValidationError when the data is not of that shape.
    """
    hashable: Any = kind
    value: T = _adapter(hashable).validate_python(data)
    return value


def from_json(kind: type[T], text: str) -> T:
    """Return what `from_dict` would of the parsed text, in about a third of the time.

    Raises pydantic.ValidationError when the text is no JSON, or not of that shape.
    """
    hashable: Any = kind
    value: T = _adapter(hashable).validate_json(text)
    return value
