"""What Google's clients raise, told apart once: trouble that passes, and everything else."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests
from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, TransportError

from shared.errors import MontageError, TryAgain

PASSES = (
    exceptions.Aborted,
    exceptions.BadGateway,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.GatewayTimeout,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.RetryError,
    exceptions.ServiceUnavailable,
    exceptions.TooManyRequests,
    exceptions.Unknown,
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    TransportError,
)
"""The same call may go through later."""
NOT_ALLOWED = (exceptions.Forbidden, exceptions.Unauthorized)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn what passes into TryAgain and missing rights into MontageError `not_allowed`; the rest comes out as it is.

    `doing` begins the sentence, e.g. "Reading work/a". What a call expects (NotFound, PreconditionFailed) it catches
    itself, inside the block.
    """
    try:
        yield
    except PASSES as error:
        raise TryAgain(f"{doing} failed for now ({_said(error)}).", code="cloud_unavailable") from error
    except GoogleAuthError as error:
        if error.retryable:
            raise TryAgain(f"{doing} failed for now ({_said(error)}).", code="cloud_unavailable") from error
        raise MontageError("not_allowed", f"{doing}: there are no credentials that serve ({_said(error)}).") from error
    except NOT_ALLOWED as error:
        raise MontageError(
            "not_allowed", f"{doing} is not allowed to this service account ({_said(error)})."
        ) from error


def _said(error: Exception) -> str:
    """Return the error on one line that is not too long."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else f"{text[:199]}…"
