"""The costly look at a unit: the pose model, on crops around what moves, when and where it can tell something new."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import mean

from shared.domain.body_speed import credible, likelier, shows_who_moves
from shared.domain.crop import PixelBox, around_body, around_closely, crops_to_try, travels
from shared.domain.looking import coarse_looks, further_looks, stretches
from shared.domain.motion import CUT
from shared.domain.pose import Body, Keypoint, PoseSample
from shared.media.decode import FrameSample
from shared.pipeline.motion_strip import Strip
from shared.ports import PoseDetector

CROP_LONGER_SIDE_PX = 480  # the model itself looks at 256; more only costs the conversion
REMEMBERED_STEPS = 8  # a body seen up to a second away helps to find it again


def watched(
    strip: Strip, detector: PoseDetector, *, aspect: float, threshold: float, tell: Callable[[range], None]
) -> tuple[list[PoseSample], int]:
    """Return the samples of a unit after the pose model has looked wherever it should, and how often it did.

    `threshold` is the body speed from which on something counts as moving; `tell` is told, after every look, of
    steps that may count as done, and in the end of all.
    """
    samples = {step.sample.index: step.sample for step in strip.steps}
    at = {step.sample.index: n for n, step in enumerate(strip.steps)}
    looks = 0

    def look(index: int) -> None:
        nonlocal looks
        samples[index], looked = _look(strip, at[index], samples, detector, aspect)
        looks += looked
        tell(range(first, first + min(looks, len(strip.steps))))

    first = strip.steps[0].sample.index
    moving = [
        range(first + each.start, first + each.stop)
        for each in stretches([bool(step.change.regions) for step in strip.steps], joined=strip.joined)
    ]
    for index in coarse_looks(samples, moving, threshold=threshold, aspect=aspect):
        look(index)
    for stretch in moving:
        while wanted := further_looks(samples, stretch, threshold=threshold):
            for index in wanted:
                look(index)
    tell(range(first, first + len(strip.steps)))
    return [samples[step.sample.index] for step in strip.steps], looks


def _look(
    strip: Strip, at: int, samples: Mapping[int, PoseSample], detector: PoseDetector, aspect: float
) -> tuple[PoseSample, int]:
    """Return the step's sample with the body found, and how often the model was asked."""
    sample, frame = replace(strip.steps[at].sample, is_looked_at=True), strip.steps[at].frame
    if frame is None:
        return sample, 0
    size = {"width": frame.video.width, "height": frame.video.height}
    regions = [step.change.regions for step in strip.near(at)]
    if not any(regions):  # a short rest: where it was and will be
        regions = [step.change.regions for step in strip.near(at, strip.joined)]
    crops = list(crops_to_try(regions, _known(samples, sample.index), **size))
    looks, best, is_followed = 0, sample, False
    while looks < len(crops) and not shows_who_moves(best, aspect):
        body = _seen(frame, crops[looks], detector)
        looks += 1
        if body is None:
            continue
        box = body.box(aspect)
        stir = mean(step.change.share_in(box) for step in strip.near(at, 1))
        best = likelier(best, replace(sample, body=body, stir=round(stir, 4)))
        if looks == len(crops) and not is_followed and not shows_who_moves(best, aspect):
            is_followed = True
            if credible(best.body) is None:  # cut off by the crop, perhaps
                crops.append(around_body(body, **size))
            elif sample.regions and travels([each[0] for each in regions if each]):  # somebody beside him, perhaps
                crops.append(around_closely(sample.regions[0], **size))
    return best, looks


def _seen(frame: FrameSample, crop: PixelBox, detector: PoseDetector) -> Body | None:
    landmarks = detector.detect(frame.rgb(crop, max_side_px=CROP_LONGER_SIDE_PX))
    return None if landmarks is None else _body(landmarks, crop, frame.video.height)


def _known(samples: Mapping[int, PoseSample], index: int) -> Body | None:
    """Return the body seen nearest in time in the same scene, the earlier of two.

    After a second the last look counts only if it showed one.
    """
    is_same = {-1: True, 1: True}
    for apart in range(1, len(samples)):
        for direction in (-1, 1):
            at = index + direction * apart
            later = samples.get(max(at, at - direction))
            is_same[direction] = is_same[direction] and later is not None and later.change <= CUT
            known = samples.get(at) if is_same[direction] else None
            if known is not None and known.is_looked_at:
                body = credible(known.body)
                if body is not None or apart > REMEMBERED_STEPS:
                    return body
    return None


def _body(landmarks: Sequence[tuple[float, float, float]], crop: PixelBox, height_px: int) -> Body:
    left, top, right, bottom = crop
    return Body(
        joints=tuple(
            Keypoint(
                x=round((left + x * (right - left)) / height_px, 4),
                y=round((top + y * (bottom - top)) / height_px, 4),
                visibility=round(min(1.0, max(0.0, visibility)), 3),
            )
            for x, y, visibility in landmarks
        )
    )
