"""Plain values as Firestore can hold them, and back.

It takes no array inside an array and no map key that is empty or looks like `__this__`; labels are users' own, so they
may have any. An inner array is stored as the map {"~list": array}; a key that is empty or begins with "__" or "~" gets
a "~" in front. No escaped key can read "~list", so both ways are exact.
"""

from typing import Any

INNER_LIST = "~list"


def stored(value: Any) -> Any:
    """Return the value as Firestore takes it."""
    if isinstance(value, dict):
        return {_escaped(key): stored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [{INNER_LIST: stored(item)} if isinstance(item, list) else stored(item) for item in value]
    return value


def restored(value: Any) -> Any:
    """Return the value that was given to `stored`."""
    if isinstance(value, dict):
        if INNER_LIST in value:
            return restored(value[INNER_LIST])
        return {key.removeprefix("~"): restored(item) for key, item in value.items()}
    if isinstance(value, list):
        return [restored(item) for item in value]
    return value


def _escaped(key: str) -> str:
    return f"~{key}" if not key or key.startswith(("__", "~")) else key
