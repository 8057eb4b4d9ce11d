"""From what was chosen to the edit list: one that can be copied where the source and the options allow it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import BinaryIO

from shared.domain.edit_list import EditList, RenderMode
from shared.domain.job import Job, Warned
from shared.domain.render_plan import lead_in_before, plan_render
from shared.domain.sound import Sound
from shared.domain.video import Media, Video
from shared.media.copy_points import copy_points
from shared.media.stream_copy import why_not_copy
from shared.pipeline.choose import Chosen


def plan_reel(job: Job, media: Media, chosen: Chosen, damaged: Sequence[Warned], file: BinaryIO) -> EditList:
    """Return the reel's edit list, for `copy` only where nothing that can be seen beforehand speaks against it."""
    reason = _why_not_copy(media, damaged)
    keyframes_s: Sequence[float] = ()
    if isinstance(media, Video) and _render(job) != "encode" and reason is None:
        wanted = [each.span for each in chosen.for_the_reel]
        points = copy_points(file, media, name=job.source.file_name, wanted=wanted)
        keyframes_s, reason = points.keyframes_s, points.why_not
    return _with_known_reason(_plan(job, media, chosen, why_not=reason, keyframes_s=keyframes_s), chosen)


def plan_encoded(job: Job, media: Media, chosen: Chosen, *, why_not: str) -> EditList:
    """Return the reel's edit list for `encode`, of a source that could not be copied after all."""
    return _plan(job, media, chosen, why_not=why_not)


def _plan(
    job: Job, media: Media, chosen: Chosen, *, why_not: str | None, keyframes_s: Sequence[float] = ()
) -> EditList:
    is_somebodys = job.is_given or job.edit is not None
    return plan_render(
        chosen.for_the_reel,
        render=_render(job),
        why_not_copy=why_not,
        keyframes_s=keyframes_s,
        duration_s=media.duration_s,
        lead_in_s=_lead_ins_s(chosen),
        longest_s=None if is_somebodys else job.options.longest_clip_s,
        may_repeat=is_somebodys,
        join=job.options.joins if job.edit is None else job.edit.join,
    )


def _render(job: Job) -> RenderMode:
    return job.options.render if job.edit is None else job.edit.render


def _with_known_reason(edit: EditList, chosen: Chosen) -> EditList:
    """Return the edit list with why it is encoded, where whoever gave it knew: then nobody considered it anew."""
    is_told = edit.render == "copy" or edit.why_not_copied is not None
    return edit if is_told else replace(edit, why_not_copied=chosen.why_not_copied)


def _lead_ins_s(chosen: Chosen) -> Sequence[float]:
    if chosen.lead_ins_s is not None:
        return chosen.lead_ins_s
    happening = (*chosen.motion, *chosen.speech)
    return [lead_in_before(each.span, happening) for each in chosen.for_the_reel]


def _why_not_copy(media: Media, damaged: Sequence[Warned]) -> str | None:
    if isinstance(media, Sound):
        return "it has no picture"
    return "it is damaged" if damaged else why_not_copy(media)
