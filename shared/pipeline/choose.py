"""From what was found to what the reel shows."""

from dataclasses import dataclass, replace
from math import floor

from shared.domain.given_edit_list import GivenEditList
from shared.domain.highlight import (
    Highlight,
    choose_highlights,
    fallback_highlight,
    motion_highlights,
    motion_score,
)
from shared.domain.job import Job, Warned
from shared.domain.motion import looks, moving_spans
from shared.domain.options import Mode
from shared.domain.shortening import shortened
from shared.domain.span import Span, span
from shared.domain.speech_highlights import combine, speech_highlights
from shared.domain.transcript import sentences
from shared.errors import BadVideo
from shared.pipeline.read_analysis import Analysis
from shared.pipeline.report import TOLD_S, rounded_s

NOTHING: dict[Mode, str] = {
    "motion": "nobody moves in it",
    "speech": "nobody speaks in it",
    "auto": "nobody moves or speaks in it",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What the analysis comes to."""

    motion: tuple[Span, ...]
    speech: tuple[Span, ...]
    highlights: tuple[Highlight, ...]
    warnings: tuple[Warned, ...]
    lead_ins_s: tuple[float, ...] | None = None
    """How much later than wanted each clip may begin when it is copied; None until something happens."""
    why_not_copied: str | None = None
    """Known from before, of clips that were given."""

    @property
    def for_the_reel(self) -> tuple[Highlight, ...]:
        return tuple(each for each in self.highlights if each.is_chosen)


def choose(job: Job, analysis: Analysis, *, duration_s: float) -> Chosen:
    """Return the movement and speech found, the candidates and which of them go into the reel.

    `duration_s` is how much of the source there is to choose from. Raises BadVideo `nothing_found` when there is no
    candidate and the options ask for a failure.
    """
    options = job.options
    seen = looks(analysis.samples)
    motion = moving_spans(seen, options.motion, duration_s=duration_s)
    candidates = motion_highlights(motion, seen, options.motion, duration_s=duration_s)
    speech: tuple[Span, ...] = ()
    if analysis.transcript is not None and analysis.transcript.words:
        speech = tuple(each.span for each in sentences(analysis.transcript.words))
        said = speech_highlights(analysis.transcript, duration_s=duration_s)
        candidates = combine(candidates, said, motion_score=lambda part: motion_score(part, seen))
    if candidates:
        highlights = choose_highlights(
            candidates,
            target_s=options.target_s,
            shortened=lambda whole, at_most_s: shortened(whole, at_most_s, sentences=speech, looks=seen),
        )
        return Chosen(motion=motion, speech=speech, highlights=highlights, warnings=analysis.warnings)
    return _nothing(job, analysis, duration_s=duration_s)


def as_given(given: GivenEditList, *, duration_s: float) -> Chosen:
    """Return the clips that somebody gave, in their order, as what was chosen; `duration_s` is the source's length."""
    highlights = tuple(
        Highlight(
            span=span(clip.wanted.start_s, min(clip.wanted.end_s, duration_s)),
            score=clip.score,
            reasons=clip.reasons,
            is_chosen=True,
        )
        for clip in given.clips
    )
    return Chosen(
        motion=(),
        speech=(),
        highlights=highlights,
        warnings=(),
        lead_ins_s=tuple(clip.lead_in_s for clip in given.clips),
        why_not_copied=given.why_not_copied,
    )


def as_told(chosen: Chosen, *, duration_s: float) -> Chosen:
    """Return what was chosen with the times that a report tells, so that its edit list is what was rendered."""
    last_s = floor(duration_s / TOLD_S + 1e-3) * TOLD_S  # 12.012 / 1e-4 is a hair less than 120120
    return replace(chosen, highlights=tuple(replace(each, span=_told(each.span, last_s)) for each in chosen.highlights))


def _told(one: Span, last_s: float) -> Span:
    return span(rounded_s(one.start_s), rounded_s(max(one.start_s, min(one.end_s, last_s))))


def _nothing(job: Job, analysis: Analysis, *, duration_s: float) -> Chosen:
    why = NOTHING["speech" if job.sound is not None else job.options.mode]
    if job.options.on_nothing_found == "fail":
        raise BadVideo(
            "nothing_found",
            f"{job.source.file_name}: {why}, so there is nothing to cut; allow a fallback or choose another video.",
        )
    fallback = fallback_highlight(analysis.samples, duration_s=duration_s)
    seconds = f"{fallback.span.duration_s:.0f} seconds"
    changes = any(sample.change > 0 for sample in analysis.samples)
    kept = f"shows the {seconds} in which most changes" if changes else f"has its first {seconds}"
    message = f"{why.capitalize()}; the reel {kept}."
    warnings = (*analysis.warnings, Warned(code="nothing_found", message=message))
    return Chosen(motion=(), speech=(), highlights=(fallback,), warnings=warnings)
