"""Google's errors, told apart."""

# mypy: disable-error-code="no-untyped-call"

import pytest
import requests
from google.api_core import exceptions
from google.auth.exceptions import DefaultCredentialsError, RefreshError, TransportError

from shared.adapters.gcp.failures import translated
from shared.errors import MontageError, TryAgain


@pytest.mark.parametrize(
    "error",
    [
        exceptions.ServiceUnavailable("busy"),
        exceptions.DeadlineExceeded("late"),
        exceptions.ResourceExhausted("quota"),
        exceptions.Aborted("contention"),
        requests.exceptions.ConnectionError("reset"),
        TransportError("no route"),
        RefreshError("metadata server", retryable=True),
    ],
)
def test_trouble_that_passes_is_worth_another_try(error: Exception) -> None:
    with pytest.raises(TryAgain, match="Reading a failed for now") as caught, translated("Reading a"):
        raise error
    assert caught.value.code == "cloud_unavailable"


@pytest.mark.parametrize(
    "error",
    [
        exceptions.Forbidden("no"),
        exceptions.Unauthorized("who"),
        RefreshError("revoked"),
        DefaultCredentialsError("none found"),
    ],
)
def test_missing_rights_stay_missing(error: Exception) -> None:
    with pytest.raises(MontageError) as caught, translated("Reading a"):
        raise error
    assert caught.value.code == "not_allowed"
    assert not isinstance(caught.value, TryAgain)


@pytest.mark.parametrize("error", [exceptions.NotFound("x"), exceptions.InvalidArgument("x"), ValueError("x")])
def test_what_is_our_own_mistake_comes_out_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)), translated("Reading a"):
        raise error


def test_what_was_said_stays_on_one_line() -> None:
    with pytest.raises(TryAgain) as caught, translated("Reading a"):
        raise exceptions.ServiceUnavailable("x\n" * 500)
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 260
