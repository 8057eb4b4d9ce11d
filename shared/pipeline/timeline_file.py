"""`timeline.json` and `thumbs.jpg`: what the page draws a source's timeline from, chosen or not."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.domain.even_steps import EvenSteps, coarser, on_grid
from shared.domain.job import Job
from shared.domain.motion import looks
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ
from shared.domain.sound_level import LEVEL_STEP_S, SILENCE_DB
from shared.domain.thumbnails import sheet_shape, thumbnail_count, thumbnail_every_s, thumbnail_size, without_gaps
from shared.domain.video import Media, Video
from shared.errors import NotFound
from shared.media.thumbnail import thumbnails_nearby
from shared.media.thumbnail_sheet import write_sheet
from shared.pipeline.read_analysis import Analysis
from shared.pipeline.report import rounded_s
from shared.ports import Cloud

TIMELINE_FILE = {"timeline_json": "timeline.json"}
THUMBS_FILE = {"thumbs": "thumbs.jpg"}
MOST_OF_OUR_OWN = 60  # thumbnails that the merge takes itself where no pose task looked


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimelineThumbs(_Part):
    """How `thumbs.jpg` is to be read: thumbnail n, row by row without gaps, shows the source at n times `every_s`.

    Where the source cannot be decoded, the nearest thumbnail stands in.
    """

    every_s: float = Field(gt=0)
    count: int = Field(ge=1)
    columns: int = Field(ge=1)
    rows: int = Field(ge=1)
    width_px: int = Field(ge=2, description="Of one thumbnail, as shown; the longer side is at most 160.")
    height_px: int = Field(ge=2)


class TimelineMotion(_Part):
    """How fast a body moves."""

    every_s: float = Field(gt=0)
    threshold: float = Field(description="From how many body heights per second on something counts as moving.")
    energy: list[float] = Field(
        description="Number n: the most body heights per second from n times `every_s` on; 0 where nobody is seen."
    )


class TimelineSound(_Part):
    """How loud the sound is."""

    every_s: float = Field(gt=0)
    level_db: list[float] = Field(
        description="Number n: the loudest from n times `every_s` on, below full scale (0); -100 is silence."
    )


class TimelineFile(_Part):
    """`timeline.json`. All times are seconds of source time, as in `report.json`."""

    schema_version: Literal[1] = 1
    duration_s: float
    thumbs: TimelineThumbs | None = Field(description="Null without a picture.")
    motion: TimelineMotion | None = Field(description="Null where nobody looked for movement.")
    sound: TimelineSound | None = Field(description="Null where nobody listened.")


def write_timeline_file(
    cloud: Cloud,
    folder: Path,
    file: BinaryIO,
    job: Job,
    media: Media,
    analysis: Analysis,
    *,
    tell: Callable[[float], None] = lambda share: None,
) -> dict[str, str]:
    """Write `timeline.json` and, of a picture, `thumbs.jpg` to the folder; return the latter's name, {} without it.

    `tell` is told a share in [0, 1] and may raise to stop. Neither file depends on what was chosen, so a reel that is
    rendered again takes over those of the revision before.
    """
    kept = _kept(cloud, folder, job)
    if kept is not None:
        return kept
    thumbs = _write_thumbs(folder, file, media, analysis, name=job.source.file_name, tell=tell)
    made = TimelineFile(
        duration_s=rounded_s(media.duration_s),
        thumbs=thumbs,
        motion=_motion(job, analysis, duration_s=media.duration_s),
        sound=_sound(analysis, duration_s=media.duration_s),
    )
    (folder / TIMELINE_FILE["timeline_json"]).write_text(made.model_dump_json() + "\n", encoding="utf-8")
    return {} if thumbs is None else THUMBS_FILE


def _kept(cloud: Cloud, folder: Path, job: Job) -> dict[str, str] | None:
    """Write what the revision before has of both and return as above; None where there is none, or not all of it."""
    if job.edit is None or "timeline_json" not in job.artifacts:
        return None
    try:
        told = cloud.downloads.read(job.artifacts["timeline_json"])
        files = {} if TimelineFile.model_validate_json(told).thumbs is None else THUMBS_FILE
        for name, file_name in files.items():
            (folder / file_name).write_bytes(cloud.downloads.read(job.artifacts[name]))
    except (NotFound, KeyError, ValidationError):  # their lifetime is over, or another Montage wrote them
        return None
    (folder / TIMELINE_FILE["timeline_json"]).write_bytes(told)
    return files


def _write_thumbs(
    folder: Path, file: BinaryIO, media: Media, analysis: Analysis, *, name: str, tell: Callable[[float], None]
) -> TimelineThumbs | None:
    if not isinstance(media, Video):
        return None
    every_s = thumbnail_every_s(media.duration_s)
    found = analysis.thumbnails
    if not found:
        every_s = thumbnail_every_s(media.duration_s, at_most=MOST_OF_OUR_OWN)
        count = thumbnail_count(media.duration_s, every_s=every_s)
        taken = thumbnails_nearby(file, media, every_s=every_s, count=count, name=name, tell=tell)
        found = {each.number: each.jpeg for each in taken}
    if not found:
        return None
    pictures = without_gaps(found, thumbnail_count(media.duration_s, every_s=every_s))
    width, height = thumbnail_size(media.width, media.height)
    write_sheet(folder / THUMBS_FILE["thumbs"], pictures, (width, height))
    columns, rows = sheet_shape(len(pictures))
    return TimelineThumbs(
        every_s=every_s, count=len(pictures), columns=columns, rows=rows, width_px=width, height_px=height
    )


def _motion(job: Job, analysis: Analysis, *, duration_s: float) -> TimelineMotion | None:
    if job.stages["pose"].state != "done":
        return None
    every_s = POSE_EVERY / SAMPLE_RATE_HZ
    seen = [(look.t_s, look.energy) for look in looks(analysis.samples)]
    steps = coarser(EvenSteps(every_s, on_grid(seen, every_s=every_s, duration_s=duration_s, nothing=0.0)))
    return TimelineMotion(
        every_s=steps.every_s,
        threshold=job.options.motion.movement_threshold,
        energy=[round(each, 3) for each in steps.values],
    )


def _sound(analysis: Analysis, *, duration_s: float) -> TimelineSound | None:
    if not analysis.levels:
        return None
    heard = [(level.start_s, level.level_db) for level in analysis.levels]
    values = on_grid(heard, every_s=LEVEL_STEP_S, duration_s=duration_s, nothing=SILENCE_DB)
    steps = coarser(EvenSteps(LEVEL_STEP_S, values))
    return TimelineSound(every_s=steps.every_s, level_db=[round(each, 1) for each in steps.values])
