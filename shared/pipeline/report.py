"""`report.json`: what was found in a source and what the reel shows of it. Documented, versioned, written once."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.domain.edit_list import EditList, JoinKind
from shared.domain.highlight import Highlight
from shared.domain.job import Warned
from shared.domain.span import Span
from shared.domain.video import Media, Video

Seconds = tuple[float, float]
"""[start_s, end_s) in source time."""
TOLD_S = 1e-4  # times are told with four digits: a frame of 240 fps lasts 40 times as long


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class ReportAudioStream(_Part):
    """One sound track of the source."""

    codec: str
    rate_hz: int
    channels: int
    language: str | None = Field(description="As tagged, ISO 639-2; null when untagged.")


class ReportSource(_Part):
    """The source as it was measured."""

    name: str
    duration_s: float
    width: int | None = Field(description="As shown: rotation applied, pixels squared. Null without a picture.")
    height: int | None
    fps: str | None = Field(description='Average frame rate as a fraction, e.g. "30000/1001"; null without a picture.')
    rotation: int | None = Field(description="Clockwise turn that shows it upright, in degrees.")
    container: str
    codec: str | None = Field(description="Of the picture; null without one.")
    pixel_format: str | None
    audio: list[ReportAudioStream]


class ReportHighlight(_Part):
    """One candidate for the reel, padding included; of a chosen one, what was chosen of it."""

    start_s: float
    end_s: float
    score: float = Field(ge=0, le=1, description="Of the whole candidate.")
    reasons: list[str] = Field(
        description="What speaks for the whole candidate: `your keyword: …`, `fast movement` or `movement`, "
        "`laughter-like peak`, `a question and its answer`, `speaks densely`, `a whole thought`, `someone speaks`."
    )
    chosen: bool


class ReportClip(_Part):
    """One clip of the reel, in source time."""

    wanted: Seconds = Field(description="What was chosen.")
    actual: Seconds = Field(description="What is shown: snapped to keyframes when stream-copied.")
    score: float
    reasons: list[str]


class ReportJoin(_Part):
    """How one clip gives way to the next."""

    kind: JoinKind
    duration_s: float


class ReportEditList(_Part):
    """The reel, as plain data: enough to render it again."""

    render: Literal["copy", "encode"]
    why_not_copied: str | None
    join: ReportJoin
    duration_s: float
    clips: list[ReportClip] = Field(description="In the order in which they are shown.")


class ReportWarning(_Part):
    """Something a user should know."""

    code: str
    message: str


class Report(_Part):
    """All times are seconds of source time: from the first shown frame, without a picture from the first sample."""

    schema_version: Literal[1] = 1
    job_id: str
    revision: int
    source: ReportSource
    motion: list[Seconds] = Field(description="Stretches in which a body moves, without padding.")
    speech: list[Seconds] = Field(description="Stretches in which someone speaks.")
    highlights: list[ReportHighlight] = Field(description="In order of time, unless clips were given.")
    edit_list: ReportEditList
    warnings: list[ReportWarning]
    timings: dict[str, float] = Field(
        description="Seconds. `pose_s`, `transcribe_s`: from the stage's first launch to its end (what was interrupted "
        "in between counts), less `pose_start_up_s`, `transcribe_start_up_s`: while tasks started, models loaded, and "
        "none was at work. `…_start_up_worst_s`: the longest start-up of a task, beside others' work or not. "
        "`choose_s`, `render_s`: parts of the merge."
    )
    versions: dict[str, str]


def report_source(media: Media, *, name: str) -> ReportSource:
    picture = media if isinstance(media, Video) else None
    return ReportSource(
        name=name,
        duration_s=rounded_s(media.duration_s),
        width=picture.width if picture else None,
        height=picture.height if picture else None,
        fps=f"{picture.fps.numerator}/{picture.fps.denominator}" if picture else None,
        rotation=picture.rotation_deg if picture else None,
        container=media.container,
        codec=picture.codec if picture else None,
        pixel_format=picture.pixel_format if picture else None,
        audio=[
            ReportAudioStream(codec=a.codec, rate_hz=a.rate_hz, channels=a.channels, language=a.language)
            for a in media.audio
        ],
    )


def report_seconds(one: Span) -> Seconds:
    return rounded_s(one.start_s), rounded_s(one.end_s)


def report_highlight(each: Highlight) -> ReportHighlight:
    start_s, end_s = report_seconds(each.span)
    return ReportHighlight(
        start_s=start_s, end_s=end_s, score=each.score, reasons=list(each.reasons), chosen=each.is_chosen
    )


def report_edit_list(edit: EditList) -> ReportEditList:
    return ReportEditList(
        render=edit.render,
        why_not_copied=edit.why_not_copied,
        join=ReportJoin(kind=edit.join.kind, duration_s=edit.join.duration_s),
        duration_s=rounded_s(edit.duration_s),
        clips=[
            ReportClip(
                wanted=report_seconds(clip.wanted),
                actual=report_seconds(clip.actual),
                score=clip.score,
                reasons=list(clip.reasons),
            )
            for clip in edit.clips
        ],
    )


def report_warning(warned: Warned) -> ReportWarning:
    return ReportWarning(code=warned.code, message=warned.message)


def rounded_s(seconds: float) -> float:
    """Return seconds as a report tells them."""
    return round(seconds, 4)
