"""Another system asks for a job: read its message, look at what it names, and set a job going."""

from pydantic import ValidationError

from shared.domain.messages import JobRequested
from shared.errors import BadRequest
from shared.ports import Cloud

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a name that a model or a dataclass does not have."""
SHOWN_CHARACTERS = 200  # of somebody else's names, in a sentence of ours


def receive_request(cloud: Cloud, body: bytes | str) -> None:
    """Read the message and do what it asks. Raises like `read_request` and `request_job`."""
    request_job(cloud, read_request(body))


def read_request(body: bytes | str) -> JobRequested:
    """Return the request in a message's body, with or without its `topic`.

    Raises BadRequest `bad_source`, `unknown_option`, `bad_option`, or `bad_message` for all else that is wrong.
    """
    try:
        return JobRequested.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])[:SHOWN_CHARACTERS]
        raise BadRequest(*_refusal(str(first["type"]), where, str(first["msg"]))) from error


def request_job(cloud: Cloud, message: JobRequested) -> None:
    """Make the job that was asked for, once. Raises BadRequest for what can never work, TryAgain for what may pass."""
    raise NotImplementedError


def _refusal(kind: str, where: str, what: str) -> tuple[str, str]:
    """Return a code and a sentence."""
    if where == "source":
        return "bad_source", "source must have the form gs://bucket/name, and at most 1300 characters."
    is_option = where == "options" or where.startswith("options.")
    if kind in UNKNOWN:
        return ("unknown_option" if is_option else "bad_message"), f"There is no {where} in a job request."
    said = what.removeprefix("Value error, ").rstrip(".")
    return ("bad_option" if is_option else "bad_message"), f"{where}: {said}." if where else f"{said}."
