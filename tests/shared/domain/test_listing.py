import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.listing import BadPageToken, JobQuery, Place, _digest, _text, page_of, page_token, place_in
from tests.shared.domain.records import a_job

QUERY = JobQuery(owner="me")
SOMEWHERE = Place(created_at=1000.0, job_id="job")
TEXTS = st.none() | st.text(max_size=20)


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(min_size=1, max_size=200), TEXTS, TEXTS)
def test_a_token_gives_back_the_place_and_can_be_part_of_an_address(
    created_at: float, job_id: str, owner: str | None, batch: str | None
) -> None:
    query = JobQuery(owner=owner, batch=batch)
    token = page_token(query, Place(created_at=created_at, job_id=job_id))
    assert place_in(token, query) == Place(created_at=created_at, job_id=job_id)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")


@given(st.text(max_size=100))
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(BadPageToken):
        place_in(text, QUERY)


def test_a_token_with_any_one_letter_changed_is_refused() -> None:
    token = page_token(QUERY, SOMEWHERE)
    for number, letter in enumerate(token):
        for other in ("A", "b", "-", "_", "=", " ", "é"):
            if other != letter:
                with pytest.raises(BadPageToken):
                    place_in(token[:number] + other + token[number + 1 :], QUERY)


@pytest.mark.parametrize("body", [b"5", b"[" * 1400, b'[true,"a"]', b'[1,"\\ud800"]', b"[1]", b"{}"])
def test_a_token_made_by_somebody_else_is_refused(body: bytes) -> None:
    with pytest.raises(BadPageToken):
        place_in(_text(_digest(QUERY, body) + body), QUERY)


@pytest.mark.parametrize(
    "other", [JobQuery(), JobQuery(owner="you"), JobQuery(batch="me"), JobQuery(owner="me", state="done")]
)
def test_another_query_s_token_is_refused(other: JobQuery) -> None:
    with pytest.raises(BadPageToken, match="another listing"):
        place_in(page_token(other, SOMEWHERE), QUERY)


def test_only_a_page_with_more_behind_it_has_a_token() -> None:
    found = [(Place(created_at=n, job_id=f"job-{n}"), a_job(id=f"job-{n}", created_at=n)) for n in (3.0, 2.0, 1.0)]
    assert page_of(found, QUERY, limit=3).next_token is None
    page = page_of(found, QUERY, limit=2)
    assert page.jobs == tuple(job for _, job in found[:2])
    assert page.next_token == page_token(QUERY, found[1][0])
    assert page_of((), QUERY, limit=2).jobs == ()


@pytest.mark.parametrize("created_at", ["1e999", "9" * 400])
def test_a_forged_token_with_a_number_beyond_all_is_refused(created_at: str) -> None:
    """Whoever knows the code can make a digest that fits; a database must not be asked for such a number."""
    body = f'[{created_at}, "job"]'.encode()
    with pytest.raises(BadPageToken):
        place_in(_text(_digest(QUERY, body) + body), QUERY)


def test_a_forged_token_with_a_long_whole_number_is_a_number_that_databases_know() -> None:
    body = f'[{"9" * 30}, "job"]'.encode()
    assert place_in(_text(_digest(QUERY, body) + body), QUERY) == Place(created_at=1e30, job_id="job")
