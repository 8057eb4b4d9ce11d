"""The merge stage: join the parts, choose, plan the cuts, render, and write what belongs to the reel."""

import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO

from shared.domain.edit_list import EditList
from shared.domain.job import ANALYSIS_STAGES, Job, Warned, warned
from shared.domain.object_names import artifact, edit_list
from shared.domain.record import from_dict, to_dict
from shared.domain.reel_time import CameOn, as_asked
from shared.domain.sound import Sound
from shared.domain.video import Media, Video
from shared.errors import AlreadyThere, CannotCopy
from shared.log import event
from shared.media.encoder import EncodeSettings, encode_settings
from shared.media.poster import write_poster
from shared.media.render import Rendered, render_reel
from shared.media.render_sound import SAMPLE_GRID, RenderedSound, render_sound
from shared.media.sound import SoundSettings
from shared.pipeline.choose import Chosen, as_edited, as_given, as_told, choose
from shared.pipeline.companions import write_speech_companions
from shared.pipeline.given_edit_list import read_given, refuse_what_does_not_fit
from shared.pipeline.judge_damage import as_far_as_seen, judge_damage, judge_sound
from shared.pipeline.picture_timeline import picture_timeline
from shared.pipeline.pinned_source import open_source
from shared.pipeline.plan_reel import plan_encoded, plan_reel
from shared.pipeline.read_analysis import Analysis, read_analysis
from shared.pipeline.report import (
    Report,
    report_edit_list,
    report_highlight,
    report_seconds,
    report_source,
    report_warning,
)
from shared.pipeline.stage_timings import stage_timings
from shared.pipeline.timeline_file import TIMELINE_FILE, write_timeline_file
from shared.ports import Cloud

log = logging.getLogger(__name__)

Progress = Callable[[float], None]
RENDER_SHARE = 0.9  # of the merge's progress; the rest is reading the parts before and the poster after
UPLOAD_FROM = 0.95
FILES = {"report": "report.json", "timeline": "timeline.png", **TIMELINE_FILE}
REEL, SOUND_REEL = {"reel": "reel.mp4"}, {"reel": "reel.m4a"}
POSTER = {"poster": "poster.jpg"}


def _unasked() -> None:
    pass


def make_reel(
    cloud: Cloud,
    job: Job,
    scratch: Path,
    *,
    encoder_threads: int,
    on_progress: Progress,
    confirm: Callable[[], None] = _unasked,
) -> dict[str, Any]:
    """Write the reel, its report and its poster to the downloads bucket and return what was made.

    The answer holds `artifacts` (name to file name), `numbers` and `warnings`. Doing it twice writes the same again.
    `on_progress` is told a share in [0, 1] and may raise to stop; so may `confirm`, which is called before the first
    file is uploaded: of a job that was cancelled meanwhile none is. Raises BadVideo: `nothing_found` when the options
    ask for that, `source_gone`, and what rendering raises.
    """
    media = job.media
    if media is None:
        raise RuntimeError(f"job {job.id} is merging without having been probed")
    started_at = time.monotonic()
    settings = encode_settings(job.options.quality, encoder_threads=encoder_threads)
    sound = SoundSettings(loudness=job.options.loudness, language=job.options.audio_language)
    name = job.source.file_name
    analysis = read_analysis(cloud, job)
    damaged = () if job.is_given else _judged(media, analysis, name=name)
    whole, media = media, as_far_as_seen(media, analysis.samples) if damaged and isinstance(media, Video) else media
    _refuse_what_cannot_be_seen(cloud, job, whole, media)
    chosen = as_told(_chosen(cloud, job, analysis, duration_s=media.duration_s), duration_s=media.duration_s)
    chosen = replace(chosen, warnings=damaged + chosen.warnings)
    with open_source(cloud, job) as file:
        edit = _pinned_edit_list(cloud, job, lambda: plan_reel(job, media, chosen, damaged, file))
        rendering_at = time.monotonic()

        def render(edit: EditList) -> Rendered | RenderedSound:
            return _render(
                file, media, edit, scratch, settings=settings, sound=sound, name=name, on_progress=on_progress
            )

        try:
            rendered = render(edit)
        except CannotCopy as error:  # the pinned one stays: a merge that is run again ends here, too
            log.info("encoding after all: %s", error.why_not, extra=event("copy_given_up"))
            edit = plan_encoded(job, media, chosen, why_not=error.why_not)
            rendered = render(edit)
        rendered_at = time.monotonic()
        if isinstance(media, Video):
            write_poster(file, media, _poster_time_s(edit, chosen), scratch / POSTER["poster"], name=name)
        picture_timeline(scratch / FILES["timeline"], file, job, media, analysis, chosen, edit)
        thumbs = write_timeline_file(
            cloud,
            scratch,
            file,
            job,
            whole,
            analysis,
            tell=lambda share: on_progress(RENDER_SHARE + (UPLOAD_FROM - RENDER_SHARE) * share),
        )
    files = FILES | thumbs | (REEL | POSTER if isinstance(media, Video) else SOUND_REEL)
    if analysis.transcript is not None:
        files |= write_speech_companions(
            scratch,
            analysis.transcript,
            edit,
            fps=rendered.fps if isinstance(rendered, Rendered) else SAMPLE_GRID,
            duration_s=media.duration_s,
            came_on_s=_came_on(edit, rendered),
        )
    timings = {
        **_stage_timings(job, analysis),
        "choose_s": round(rendering_at - started_at, 3),
        "render_s": round(rendered_at - rendering_at, 3),
    }
    report = _report(job, whole, chosen, edit, rendered, timings, analysis.models)
    (scratch / FILES["report"]).write_text(report.model_dump_json(indent=2) + "\n", encoding="utf-8")
    confirm()
    for number, file_name in enumerate(files.values()):
        on_progress(UPLOAD_FROM + (1 - UPLOAD_FROM) * number / len(files))
        cloud.downloads.upload(scratch / file_name, artifact(job.id, job.revision, file_name))
    log.info(
        "reel of %.1f s rendered by %s",
        rendered.duration_s,
        edit.render,
        extra=event("reel_made", elapsed_s=timings["render_s"]),
    )
    return {
        "artifacts": files,
        "numbers": {"reel_s": rendered.duration_s, "kept_s": edit.duration_s, "source_s": whole.duration_s, **timings},
        "warnings": [to_dict(each) for each in _all_warnings(chosen, rendered)],
    }


def _judged(media: Media, analysis: Analysis, *, name: str) -> tuple[Warned, ...]:
    if isinstance(media, Sound):
        return judge_sound(errors=analysis.sound_errors, heard_s=analysis.heard_s, sound=media, name=name)
    return judge_damage(analysis.decoded, media, name=name)


def _chosen(cloud: Cloud, job: Job, analysis: Analysis, *, duration_s: float) -> Chosen:
    if job.is_given:
        return as_given(read_given(cloud, job), duration_s=duration_s)
    chosen = choose(job, analysis, duration_s=duration_s, ranker=cloud.ranker)
    return chosen if job.edit is None else as_edited(chosen, read_given(cloud, job), duration_s=duration_s)


def _refuse_what_cannot_be_seen(cloud: Cloud, job: Job, whole: Media, media: Media) -> None:
    """Raise BadVideo `bad_edit_list` for an edit that asks for what could not be decoded."""
    if job.edit is not None and media.duration_s < whole.duration_s:
        refuse_what_does_not_fit(cloud, job, media)


def _render(
    file: BinaryIO,
    media: Media,
    edit: EditList,
    scratch: Path,
    *,
    settings: EncodeSettings,
    sound: SoundSettings,
    name: str,
    on_progress: Progress,
) -> Rendered | RenderedSound:
    def tell(share: float) -> None:
        on_progress(RENDER_SHARE * share)

    if isinstance(media, Sound):
        return render_sound(file, media, edit, scratch / SOUND_REEL["reel"], sound=sound, name=name, on_progress=tell)
    path = scratch / REEL["reel"]
    return render_reel(file, media, edit, path, settings=settings, sound=sound, name=name, on_progress=tell)


def _came_on(edit: EditList, rendered: Rendered | RenderedSound) -> CameOn:
    """Return when each clip's first frame came on, as the renderer tells; a sound is there when it is asked for."""
    if isinstance(rendered, RenderedSound):
        return as_asked
    return dict(zip((clip.actual.start_s for clip in edit.clips), rendered.began_s, strict=True)).__getitem__


def _pinned_edit_list(cloud: Cloud, job: Job, plan: Callable[[], EditList]) -> EditList:
    """Return the revision's edit list, stored once: a merge that is run again renders the very same one."""
    name = edit_list(job.id, job.revision)
    planned = plan()
    try:
        cloud.work.write(name, json.dumps(to_dict(planned)).encode(), only_if_absent=True)
    except AlreadyThere:
        return from_dict(EditList, json.loads(cloud.work.read(name)))
    return planned


def _poster_time_s(edit: EditList, chosen: Chosen) -> float:
    """Return the middle of the first movement inside the best clip, so that the poster shows somebody."""
    best = max(edit.clips, key=lambda clip: (clip.score, -clip.actual.start_s)).actual
    inside = [move for move in chosen.motion if best.start_s <= move.middle_s < best.end_s]
    return inside[0].middle_s if inside else best.middle_s


def _stage_timings(job: Job, analysis: Analysis) -> dict[str, float]:
    timings: dict[str, float] = {}
    for name in ANALYSIS_STAGES:
        if name in job.stages:
            timings |= stage_timings(name, job.stages[name], analysis.chunks.get(name, ()))
    return timings


def _all_warnings(chosen: Chosen, rendered: Rendered | RenderedSound) -> tuple[Warned, ...]:
    return (*chosen.warnings, *(warned(text) for text in rendered.warnings))


def _report(
    job: Job,
    media: Media,
    chosen: Chosen,
    edit: EditList,
    rendered: Rendered | RenderedSound,
    timings: dict[str, float],
    models: dict[str, str],
) -> Report:
    warnings = (*job.warnings_before_merge, *_all_warnings(chosen, rendered))
    return Report(
        job_id=job.id,
        revision=job.revision,
        source=report_source(media, name=job.source.file_name),
        motion=[report_seconds(each) for each in chosen.motion],
        speech=[report_seconds(each) for each in chosen.speech],
        highlights=[report_highlight(each) for each in chosen.highlights],
        edit_list=report_edit_list(edit),
        warnings=[report_warning(each) for each in warnings],
        timings=timings,
        versions={"montage": own_version(), "av": version("av"), **models},
    )


def own_version() -> str:
    """Return Montage's version, "0+unknown" where it runs from a plain tree without being installed."""
    try:
        return version("montage")
    except PackageNotFoundError:
        return "0+unknown"
