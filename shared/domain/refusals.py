"""What is wrong with a body that somebody else wrote, as a stable code and one sentence."""

from pydantic import ValidationError

UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a name that a model or a dataclass does not have."""
SHOWN_CHARACTERS = 200  # of somebody else's names, in a sentence of ours


def refusal(error: ValidationError, *, body: str, code: str) -> tuple[str, str]:
    """Return a code and a sentence for the first thing that is wrong.

    The code is `bad_source`, `unknown_option` or `bad_option` where one of those is at fault, else the one given;
    `body` is what the sentence calls the whole, e.g. "job request".
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])[:SHOWN_CHARACTERS]
    if where == "source":
        return "bad_source", "source must have the form gs://bucket/name, and at most 1300 characters."
    is_option = where == "options" or where.startswith("options.")
    if first["type"] in UNKNOWN:
        if is_option:
            return "unknown_option", f"There is no option {where.removeprefix('options.')}."
        return code, f"There is no place for {where} in {body}."
    said = first["msg"].removeprefix("Value error, ").removesuffix(".").replace(" after validation", "")
    said = said.replace("Tuple", "A list").replace("tuple", "list")  # as it is called in JSON
    return ("bad_option" if is_option else code), f"{where}: {said}." if where else f"{said}."
