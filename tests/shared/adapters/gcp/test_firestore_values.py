from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from shared.adapters.gcp.firestore_values import restored, stored
from shared.domain.record import to_dict
from tests.contracts.job_store import full_job

KEYS = st.sampled_from(["", "a", "~", "~list", "~~list", "__a__", "____", "___", "~__a__", "a.b"]) | st.text(max_size=5)
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=20,
)


@given(VALUES)
@example({"~list": [1]})
@example([{"~list": [1]}, [1, [2, [3]]], {"": {"__a__": []}}])
@example({"__a\n__": 1})
def test_a_value_comes_back_as_it_was_and_firestore_takes_it(value: Any) -> None:
    assert restored(stored(value)) == value
    assert_takeable(stored(value))


def test_an_ordinary_record_is_stored_as_it_is() -> None:
    record = to_dict(full_job())
    assert stored(record) == record


def assert_takeable(value: Any, *, of: type = dict) -> None:
    """Assert what Firestore asks of maps and arrays."""
    if isinstance(value, list):
        assert of is not list
        for item in value:
            assert_takeable(item, of=list)
    if isinstance(value, dict):
        for key, item in value.items():
            assert key and not (key.startswith("__") and key.endswith("__"))
            assert_takeable(item)
