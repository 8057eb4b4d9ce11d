"""Read what somebody gives as an edit list: a report, the edit list in it, or a bare list of clips."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from functions.printable import printable
from shared.domain.edit_list import Join, JoinKind, RenderMode
from shared.domain.given_edit_list import GivenClip, GivenEditList, seconds
from shared.domain.options import MotionOptions, Options
from shared.domain.span import span, total_s
from shared.errors import BadRequest

MOST_CLIPS = 10_000
LONGEST_REEL_S = 24 * 3600.0
ROUNDED_S = 1e-4  # by so much two times of a report may lie too near to each other
SHOWN_CHARACTERS = 40  # of somebody's own words, in a sentence of ours
FORMS = 'the report of a run, its edit_list, or a list such as [{"start_s": 1.0, "end_s": 4.0}]'


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedFor:
    """What a file asks for."""

    edit_list: GivenEditList
    render: RenderMode | None = None
    """None where the file does not say."""
    join: Join | None = None


Seconds = Annotated[float, Field(strict=True, ge=0, allow_inf_nan=False)]
Score = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]


class _BareClip(BaseModel):
    """A clip as people write it: a word too many is a typing error."""

    model_config = ConfigDict(extra="forbid")
    start_s: Seconds
    end_s: Seconds
    score: Score = 1.0
    reasons: tuple[str, ...] = ()


class _ReportedClip(BaseModel):
    """A clip as a report has it; what a later report may add is passed over."""

    wanted: tuple[Seconds, Seconds]
    actual: tuple[Seconds, Seconds] | None = None
    score: Score = 1.0
    reasons: tuple[str, ...] = ()


class _ReportedJoin(BaseModel):
    kind: JoinKind = "cut"
    duration_s: Seconds = Join().duration_s


class _ReportedEditList(BaseModel):
    """An edit list as a report has it; its clips are looked at one by one."""

    render: RenderMode | None = None
    why_not_copied: str | None = None
    join: _ReportedJoin | None = None
    clips: list[Any]


def asked_for(value: Any, name: str) -> AskedFor:
    """Return what a JSON value asks for; sentences begin with `name`. Raises BadRequest `bad_edit_list`."""
    if isinstance(value, dict) and "edit_list" in value:
        value = value["edit_list"]
    if isinstance(value, list):
        return AskedFor(edit_list=GivenEditList(clips=_clips(value, None, name)))
    if not isinstance(value, dict) or "clips" not in value:
        refuse(name, f"is no edit list; give {FORMS}.")
    try:
        reported = _ReportedEditList.model_validate(value)
        join = None if reported.join is None else _join(reported.join)
    except ValidationError as error:
        refuse(name, _sentence("the edit list", error))
    except ValueError as error:
        refuse(name, f"the edit list's join: {str(error).removeprefix('join_s ')}")
    clips = _clips(reported.clips, reported.render, name)
    edit_list = GivenEditList(clips=clips, why_not_copied=reported.why_not_copied)
    return AskedFor(edit_list=edit_list, render=reported.render, join=join)


def _join(reported: _ReportedJoin) -> Join:
    """Return the join. Raises ValueError like `Options`, which knows its limits."""
    return Options(join=reported.kind, join_s=reported.duration_s).joins


def _clips(raw: Sequence[Any], render: RenderMode | None, name: str) -> tuple[GivenClip, ...]:
    if not raw:
        refuse(name, "has no clips; a reel needs at least one.")
    if len(raw) > MOST_CLIPS:
        refuse(name, f"has {len(raw)} clips; {MOST_CLIPS} are the most.")
    clips = []
    for number, each in enumerate(raw, 1):
        try:
            clips.append(_clip(each, render))
        except ValidationError as error:
            refuse(name, _sentence(f"clip {number}", error))
        except ValueError as error:
            refuse(name, f"clip {number} {error}")
    reel_s = total_s(clip.wanted for clip in clips)
    if reel_s > LONGEST_REEL_S:
        refuse(name, f"asks for a reel of {reel_s / 3600:.4g} hours; {LONGEST_REEL_S / 3600:.0f} are the most.")
    return tuple(clips)


def _clip(raw: Any, render: RenderMode | None) -> GivenClip:
    """Return the clip. Raises ValueError with words that go on after its number."""
    if not isinstance(raw, dict):
        raise ValueError(f"must be an object with start_s and end_s, not {_shown(raw)}.")
    if "wanted" not in raw:
        bare = _BareClip.model_validate(raw)
        return _given(bare.start_s, bare.end_s, 0.0, bare)
    if "start_s" in raw or "end_s" in raw:
        raise ValueError("has both wanted and start_s or end_s; leave one of them out.")
    clip = _ReportedClip.model_validate(raw)
    if render == "encode" and clip.actual is not None and clip.actual != clip.wanted:
        raise ValueError(
            f"wants {_range(clip.wanted)}, but its actual says {_range(clip.actual)}; "
            "wanted is what counts: mend it, and remove actual."
        )
    began_later_s = clip.actual[0] - clip.wanted[0] if render == "copy" and clip.actual is not None else 0.0
    # A run begins a movement late inside its padding; by more than that, somebody has moved `wanted` alone.
    lead_in_s = min(began_later_s + ROUNDED_S, MotionOptions().pad_before_s) if began_later_s > 0 else 0.0
    return _given(*clip.wanted, lead_in_s, clip)


def _given(start_s: float, end_s: float, lead_in_s: float, clip: _BareClip | _ReportedClip) -> GivenClip:
    if end_s <= start_s:
        raise ValueError(f"begins at {seconds(start_s)} s and ends at {seconds(end_s)} s; the end has to come later.")
    return GivenClip(wanted=span(start_s, end_s), lead_in_s=lead_in_s, score=clip.score, reasons=clip.reasons)


def _sentence(where: str, error: ValidationError) -> str:
    """Return what is wrong first, in our words."""
    first = error.errors(include_url=False)[0]
    *outer, last = first["loc"] or ("",)
    field = ".".join(map(str, outer)) if isinstance(last, int) and outer else ".".join(map(str, first["loc"]))
    given = _shown(first["input"])
    match first["type"]:
        case "missing" if isinstance(last, int):
            return f"{where}: {field} must be two numbers of seconds."
        case "missing":
            return f"{where} has no {field}."
        case "extra_forbidden":
            return f"{where} has an unknown {_shown(field)}; it may have start_s, end_s, score and reasons."
        case "float_type":
            return f"{where}: {field} must be a number, not {given}."
        case "finite_number":
            return f"{where}: {field} must be finite, not {given}."
        case "greater_than_equal":
            return f"{where}: {field} must not be negative, not {given}."
        case "less_than_equal":
            return f"{where}: {field} must be at most 1, not {given}."
        case "tuple_type" | "too_long" if field in ("wanted", "actual"):
            return f"{where}: {field} must be two numbers of seconds, not {given}."
        case _:
            return f"{where}: {field} cannot be {given} ({str(first['msg']).lower()})."


def _range(clip: tuple[float, float]) -> str:
    return f"{seconds(clip[0])} to {seconds(clip[1])} s"


def _shown(value: Any) -> str:
    """Return a value of the file's, cut short."""
    text = printable(json.dumps(value, ensure_ascii=False))
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}…"


def refuse(name: str, words: str) -> NoReturn:
    """Raise BadRequest `bad_edit_list` with a sentence that begins with the name."""
    separator = ":" if words.startswith(("clip ", "the edit list")) else ""
    raise BadRequest("bad_edit_list", f"{name}{separator} {words}")
