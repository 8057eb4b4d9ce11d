"""From what was found to what the reel shows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import floor

from shared.domain.candidates import MotionEvidence, SpeechEvidence
from shared.domain.choose_highlights import choose_highlights
from shared.domain.clip_lengths import ClipLengths, clip_lengths
from shared.domain.given_edit_list import GivenEditList
from shared.domain.highlight import Highlight, fallback_highlight
from shared.domain.job import Job, Warned
from shared.domain.material import material
from shared.domain.motion import looks, moving_spans
from shared.domain.options import Mode, Order
from shared.domain.ranker import HighlightRanker
from shared.domain.score_spans import BadRanking, score_spans
from shared.domain.span import Span, meet, span
from shared.errors import BadVideo, TryAgain
from shared.pipeline.read_analysis import Analysis
from shared.pipeline.report import TOLD_S, rounded_s

NOTHING_FOUND = "nothing_found"
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
    order: Order = "source"
    """"source": as the highlights come here."""
    clips: tuple[Highlight, ...] | None = None
    """What the reel shows where somebody edited that; None where the chosen highlights are it."""

    @property
    def for_the_reel(self) -> tuple[Highlight, ...]:
        """The chosen ones, in the order in which the reel shows them."""
        if self.clips is not None:
            return self.clips
        chosen = tuple(each for each in self.highlights if each.is_chosen)
        if self.order == "score":
            return tuple(sorted(chosen, key=lambda each: (-each.score, each.span)))
        return chosen


def choose(job: Job, analysis: Analysis, *, duration_s: float, ranker: HighlightRanker) -> Chosen:
    """Return the movement and speech found, the candidates and which of them go into the reel.

    `duration_s` is how much of the source there is to choose from. Raises BadVideo `nothing_found` when there is no
    candidate and the options ask for a failure, and TryAgain `bad_ranking` when the ranker breaks its rules: another
    time it may answer better.
    """
    options = job.options
    seen = looks(analysis.samples)
    motion = MotionEvidence(
        events=moving_spans(seen, options.motion, duration_s=duration_s), looks=seen, options=options.motion
    )
    words = analysis.transcript.words if analysis.transcript is not None else ()
    lengths = clip_lengths(shortest_s=options.shortest_clip_s, longest_s=options.longest_clip_s)
    try:
        found = score_spans(
            motion,
            words,
            analysis.levels,
            duration_s=duration_s,
            keywords=options.keywords,
            lengths=lengths,
            ranker=ranker,
        )
    except BadRanking as error:
        raise TryAgain(str(error), "bad_ranking") from error
    warned = (*analysis.warnings, *_in_vain(job, found.speech))
    if not found.highlights:
        return _nothing(job, analysis, lengths, warned, duration_s=duration_s)
    return Chosen(
        motion=motion.events,
        speech=tuple(each.span for each in found.speech.sentences),
        highlights=choose_highlights(
            found.highlights,
            target_s=options.target_s,
            lengths=lengths,
            material=material(motion, found.speech, found.candidates),
        ),
        warnings=warned,
        order=options.order,
    )


def as_given(given: GivenEditList, *, duration_s: float) -> Chosen:
    """Return the clips that somebody gave, in their order, as what was chosen; `duration_s` is the source's length."""
    return Chosen(
        motion=(),
        speech=(),
        highlights=_given_clips(given, duration_s=duration_s),
        warnings=(),
        lead_ins_s=tuple(clip.lead_in_s for clip in given.clips),
        why_not_copied=given.why_not_copied,
    )


def as_edited(chosen: Chosen, given: GivenEditList, *, duration_s: float) -> Chosen:
    """Return what was found, with the clips that somebody made of it: candidates they show any of count as chosen."""
    clips = _given_clips(given, duration_s=duration_s)
    return replace(
        chosen,
        highlights=tuple(
            replace(each, is_chosen=any(meet(each.span, clip.span) for clip in clips)) for each in chosen.highlights
        ),
        warnings=tuple(each for each in chosen.warnings if each.code != NOTHING_FOUND),  # somebody found something
        clips=clips,
        lead_ins_s=tuple(clip.lead_in_s for clip in given.clips),
        why_not_copied=given.why_not_copied,
    )


def _given_clips(given: GivenEditList, *, duration_s: float) -> tuple[Highlight, ...]:
    return tuple(
        Highlight(
            span=span(clip.wanted.start_s, min(clip.wanted.end_s, duration_s)),
            score=clip.score,
            reasons=clip.reasons,
            is_chosen=True,
        )
        for clip in given.clips
    )


def as_told(chosen: Chosen, *, duration_s: float) -> Chosen:
    """Return what was chosen with the times that a report tells, so that its edit list is what was rendered."""
    last_s = floor(duration_s / TOLD_S + 1e-3) * TOLD_S  # 12.012 / 1e-4 is a hair less than 120120

    def told(highlights: Sequence[Highlight]) -> tuple[Highlight, ...]:
        return tuple(replace(each, span=_told(each.span, last_s)) for each in highlights)

    clips = None if chosen.clips is None else told(chosen.clips)
    return replace(chosen, highlights=told(chosen.highlights), clips=clips)


def _told(one: Span, last_s: float) -> Span:
    return span(rounded_s(one.start_s), rounded_s(max(one.start_s, min(one.end_s, last_s))))


def _in_vain(job: Job, speech: SpeechEvidence) -> Iterator[Warned]:
    """Yield what the options ask for and nothing came of."""
    options = job.options
    asked = {
        "keywords": options.keywords,
        "vocabulary": options.vocabulary,
        "speech language": options.speech_language,
    }
    given = [name for name, value in asked.items() if value]
    state = job.stages["transcribe"].state
    if given and state == "skipped":
        why = "Motion alone was looked for" if options.mode == "motion" else "The source has no sound"
        message = f"{why}, so nobody listened, and the {_listed(given)} made no difference."
        yield Warned(code="nothing_listened_to", message=message)
    said = {each.keyword for each in speech.keywords}
    missing = [f'"{each}"' for each in options.keywords if each not in said]
    if missing and state == "done":
        never = "is never said" if len(missing) == 1 else "are never said"
        yield Warned(code="keyword_not_said", message=f"{_listed(missing)} {never}, as far as was heard.")


def _listed(names: Sequence[str]) -> str:
    return " and ".join([part for part in (", ".join(names[:-1]), names[-1]) if part])


def _nothing(
    job: Job, analysis: Analysis, lengths: ClipLengths, warned: Sequence[Warned], *, duration_s: float
) -> Chosen:
    why = NOTHING["speech" if job.sound is not None else job.options.mode]
    if job.options.on_nothing_found == "fail":
        raise BadVideo(
            NOTHING_FOUND,
            f"{job.source.file_name}: {why}, so there is nothing to cut; allow a fallback or choose another video.",
        )
    fallback = fallback_highlight(
        analysis.samples, duration_s=duration_s, lengths=lengths, target_s=job.options.target_s
    )
    seconds = f"{fallback.span.duration_s:.0f} seconds"
    changes = any(sample.change > 0 for sample in analysis.samples)
    kept = f"shows the {seconds} in which most changes" if changes else f"has its first {seconds}"
    message = f"{why.capitalize()}; the reel {kept}."
    warnings = (*warned, Warned(code=NOTHING_FOUND, message=message))
    return Chosen(motion=(), speech=(), highlights=(fallback,), warnings=warnings)
