"""The cheap look at a unit: small grey pictures of its steps, the camera's movement, and what moves in them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from shared.domain.looking import JOINED, joined_steps
from shared.domain.moving_region import Change, GreyPicture, change_between
from shared.domain.pose import POSE_EVERY, SAMPLE_RATE_HZ, PoseSample
from shared.domain.thumbnails import Thumbnail, thumbnail_every_s
from shared.domain.video import Video
from shared.media.decode import FrameSample
from shared.media.thumbnail import Thumbnailer

GREY_LONGER_SIDE_PX = 192  # a person a tenth of the picture high is still 10 pixels tall
KEPT_LONGER_SIDE_PX = 1920  # somebody a tenth of the picture high is 108 pixels tall then, more than the model looks at
NEAR_STEPS = 2  # what moved a quarter of a second before and after counts too: a body does not move in all its parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the grid before the pose model has looked."""

    sample: PoseSample
    change: Change
    is_stale: bool
    frame: FrameSample | None
    """Kept where the pose model may look."""
    thumbnail: Thumbnail | None = None
    """Where the source has one."""


@dataclass(frozen=True, slots=True)
class Strip:
    """The steps of one unit, in order."""

    steps: list[Step]
    joined: int = JOINED
    """Steps without change that do not end a stretch of movement."""

    def near(self, at: int, apart: int = NEAR_STEPS) -> list[Step]:
        """Return the steps at most so far from the one in place `at`."""
        return self.steps[max(0, at - apart) : at + apart + 1]


def strips_of(
    frames: Iterable[FrameSample], video: Video, *, first: int, per_unit: int, check: Callable[[], None]
) -> Iterator[Strip]:
    """Yield the steps of each unit with what moves in them; a frame before `first` is only looked back at.

    `check` is called at each step and may raise to stop.
    """
    width_px = max(2, round(GREY_LONGER_SIDE_PX * min(1.0, video.width / video.height)))
    joined = joined_steps(float(video.fps))
    thumbnailer, apart = Thumbnailer(video), SAMPLE_RATE_HZ * thumbnail_every_s(video.duration_s)
    before: GreyPicture | None = None
    steps: list[Step] = []
    for frame in frames:
        check()
        grey = frame.grey(width_px)
        if frame.index >= first:
            if steps and frame.index // per_unit != steps[-1].sample.index // per_unit:
                yield _settled(steps, joined)
                steps = []
            number, beside = divmod(frame.index, apart)
            thumbnail = None if beside else Thumbnail(number=number, jpeg=thumbnailer.jpeg(frame.frame))
            steps.append(_step(frame, change_between(before if before is not None else grey, grey), thumbnail))
            _settle(steps, len(steps) - 1 - joined, joined)
        before = grey
    if steps:
        yield _settled(steps, joined)


def _step(frame: FrameSample, change: Change, thumbnail: Thumbnail | None) -> Step:
    return Step(
        sample=PoseSample(
            index=frame.index,
            shown_s=round(frame.pts_s, 4),
            camera=change.camera.rounded,
            change=round(change.share, 5),
            regions=tuple(each.rounded for each in change.regions),
        ),
        change=change,
        is_stale=frame.is_stale,
        frame=frame if frame.index % POSE_EVERY == 0 else None,
        thumbnail=thumbnail,
    )


def _settled(steps: list[Step], joined: int) -> Strip:
    for at in range(max(0, len(steps) - joined), len(steps)):
        _settle(steps, at, joined)
    return Strip(steps, joined)


def _settle(steps: list[Step], at: int, joined: int) -> None:
    """Keep a step's frame as small as the model needs it, and none around which nothing moved."""
    if at < 0 or (frame := steps[at].frame) is None:
        return
    moves = any(step.change.regions for step in steps[max(0, at - joined) :])
    steps[at] = replace(steps[at], frame=frame.kept(KEPT_LONGER_SIDE_PX) if moves else None)
