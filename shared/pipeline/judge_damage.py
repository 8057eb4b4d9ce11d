"""Whether a damaged source is enough for a reel, and how much of it there is."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from shared.domain.damage import Decoded, Loss, loss_of
from shared.domain.job import Warned
from shared.domain.pose import SAMPLE_RATE_HZ, PoseSample
from shared.domain.sound import Sound
from shared.domain.video import Video
from shared.errors import BadVideo

log = logging.getLogger(__name__)

TOLD_S = 0.1  # what is lost is told with one digit behind the point


def judge_damage(decoded: Decoded, video: Video, *, name: str) -> tuple[Warned, ...]:
    """Return the warning `damaged` for a picture with gaps. Raises BadVideo `corrupt` when too little of it is left."""
    loss = loss_of(decoded, step_s=1 / SAMPLE_RATE_HZ, lost_before_s=video.lost_before_s)
    if not loss.is_damaged:
        return ()
    log.warning("damaged: %.1f of %.1f s are lost (%s)", loss.lost_s, loss.whole_s, decoded.last_error)
    left = f"only {loss.whole_s - loss.lost_s:.1f} of {loss.whole_s:.1f} s of its picture can be decoded"
    if loss.is_hopeless:
        raise BadVideo("corrupt", f"{name}: damaged, {left}; export or copy it again.")
    left = left if loss.lost_s >= TOLD_S else "a few of its pictures cannot be decoded"
    return (Warned(code="damaged", message=f"{name}: damaged, {left}; the reel shows what there is."),)


def judge_sound(*, errors: int, heard_s: float, sound: Sound, name: str) -> tuple[Warned, ...]:
    """Return the warning `damaged` for a source whose sound, all it has, has gaps. Raises BadVideo `corrupt` likewise.

    Silence without an error is no damage.
    """
    if not errors:
        return ()
    loss = Loss(whole_s=sound.duration_s, lost_s=max(0.0, sound.duration_s - heard_s), has_errors=True)
    left = f"only {loss.whole_s - loss.lost_s:.1f} of {loss.whole_s:.1f} s of its sound can be decoded"
    if loss.is_hopeless:
        raise BadVideo("corrupt", f"{name}: damaged, {left}; export or copy it again.")
    left = left if loss.lost_s >= TOLD_S else "a few pieces of its sound cannot be decoded"
    return (Warned(code="damaged", message=f"{name}: damaged, {left}; the reel has what there is."),)


def as_far_as_seen(video: Video, samples: Sequence[PoseSample]) -> Video:
    """Return the video up to its last frame that could be decoded."""
    return replace(video, duration_s=min(video.duration_s, len(samples) / SAMPLE_RATE_HZ))
