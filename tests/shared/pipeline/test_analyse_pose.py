"""The pose stage on real clips, with detectors that need no model."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from threading import enumerate as threads

import av
import pytest

from shared.domain.motion import looks, moving_spans
from shared.domain.options import MotionOptions
from shared.domain.pose import SAMPLE_RATE_HZ, PoseSample
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.media.probe import probe
from shared.pipeline.analyse_pose import (
    Effort,
    PosePart,
    analyse_chunk,
    join_parts,
    join_thumbnails,
    part_from_json,
    part_to_json,
)
from shared.ports import PoseDetector
from tests.damage import spoil
from tests.nobody import Nobody
from tests.walker_clip import MOVES_S, SECONDS, SeesBright, make_walker

STEPS = round(SECONDS * SAMPLE_RATE_HZ)
PER_UNIT = round(POSE_UNIT_S * SAMPLE_RATE_HZ)
SILENTLY_DAMAGED = (8, 42, 58)
"""Seeds with which different threads decode different pictures, without an error."""


@pytest.fixture(scope="module")
def walker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_walker(tmp_path_factory.mktemp("walker"))


def parts_of(
    path: Path,
    chunk_s: float,
    detector: PoseDetector,
    on_progress: Callable[[float], None] = lambda share: None,
    decoders: int = 2,
) -> list[PosePart]:
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=chunk_s, max_tasks=99)
        return [
            analyse_chunk(
                file,
                video,
                plan=plan,
                chunk=chunk,
                detector=detector,
                name=path.name,
                on_progress=on_progress,
                decoders=decoders,
            )
            for chunk in range(plan.chunks)
        ]


def analysed(path: Path, detector: PoseDetector | None = None, chunk_s: float = 9999.0) -> tuple[PoseSample, ...]:
    return join_parts(parts_of(path, chunk_s, detector or SeesBright()))


def test_somebody_who_walks_rests_and_walks_back_moves_twice(walker: Path) -> None:
    samples = analysed(walker)
    assert [sample.index for sample in samples] == list(range(STEPS))
    found = moving_spans(looks(samples), MotionOptions(), duration_s=SECONDS)
    assert len(found) == len(MOVES_S)
    for span, (start_s, end_s) in zip(found, MOVES_S, strict=True):
        assert span.start_s == pytest.approx(start_s, abs=0.3)
        assert span.end_s == pytest.approx(end_s, abs=0.3)


def test_somebody_larger_who_stands_behind_does_not_hide_who_walks(tmp_path: Path) -> None:
    samples = analysed(make_walker(tmp_path, onlooker=True))
    found = moving_spans(looks(samples), MotionOptions(), duration_s=SECONDS)
    for start_s, end_s in MOVES_S:
        assert any(each.start_s < start_s + 1.0 and end_s - 1.0 < each.end_s for each in found)


@pytest.mark.parametrize("detector", [Nobody, SeesBright])
def test_one_two_and_three_chunks_find_exactly_the_same(walker: Path, detector: type[Nobody | SeesBright]) -> None:
    whole, two, three = (parts_of(walker, chunk_s, detector()) for chunk_s in (30.0, 20.0, 10.0))
    assert [len(whole), len(two), len(three)] == [1, 2, 3]
    assert join_parts(whole) == join_parts(two) == join_parts(three)
    assert any(sample.body is not None for sample in whole[0].samples) == (detector is SeesBright)


def test_the_effort_is_what_was_done(walker: Path) -> None:
    detector = SeesBright()
    (whole,) = parts_of(walker, 30.0, detector, decoders=1)
    assert whole.effort.looks == detector.calls > 0
    assert 0 < whole.effort.decoded_frames <= whole.effort.packets <= 15 * SECONDS


def test_the_efforts_of_chunks_add_up(walker: Path) -> None:
    (whole,) = parts_of(walker, 30.0, SeesBright())
    total = Effort()
    for part in parts_of(walker, 10.0, SeesBright()):
        total = total.and_(part.effort)
    assert total.looks == whole.effort.looks
    assert 0 <= total.decoded_frames - whole.effort.decoded_frames <= 2 * 30, "each border costs two seconds at most"
    assert 0 <= total.packets - whole.effort.packets <= 2 * 2 * 30


def test_decoders_side_by_side_find_the_same(walker: Path) -> None:
    (alone,) = parts_of(walker, 30.0, SeesBright(), decoders=1)
    for decoders in (2, 4):
        (whole,) = parts_of(walker, 30.0, SeesBright(), decoders=decoders)
        assert whole.samples == alone.samples
        assert whole.thumbnails == alone.thumbnails
        assert whole.effort.looks == alone.effort.looks
        assert whole.effort.decoded_frames > alone.effort.decoded_frames, "each begins at a keyframe of its own"


def test_nobody_looks_where_nothing_moves(walker: Path) -> None:
    samples = analysed(walker)
    rest = [sample for sample in samples if MOVES_S[0][1] + 0.5 < sample.t_s < MOVES_S[1][0] - 0.5]
    assert not any(sample.is_looked_at or sample.regions or sample.change for sample in rest)


def test_damage_in_one_unit_leaves_the_others_as_they_are(walker: Path) -> None:
    sound = analysed(walker)
    for unit, start_s in enumerate((4.0, 15.0, 21.0)):
        hurt = analysed(spoil(walker, start_s=start_s, end_s=start_s + 0.5))
        for other in {0, 1, 2} - {unit}:
            steps = slice(other * PER_UNIT, (other + 1) * PER_UNIT)
            assert hurt[steps] == sound[steps]
        assert hurt != sound


def test_the_shares_told_lie_between_nothing_and_all(walker: Path) -> None:
    told: list[float] = []
    parts_of(walker, 20.0, SeesBright(), told.append)
    assert told and all(0 <= share <= 1 for share in told)
    assert max(told) > 0


class Stopped(Exception):
    pass


def test_a_picture_damaged_inside_is_the_same_for_any_chunks_and_decoders(walker: Path, tmp_path: Path) -> None:
    """libav says nothing of it, and puts something together that depends on its threads."""
    for seed in SILENTLY_DAMAGED:
        damaged = with_bits_flipped(walker, tmp_path / "damaged.mp4", seed)
        whole = parts_of(damaged, 30.0, SeesBright(), decoders=2)
        for chunk_s, decoders in ((10.0, 2), (20.0, 1)):
            parts = parts_of(damaged, chunk_s, SeesBright(), decoders=decoders)
            assert join_parts(parts) == join_parts(whole)
            assert join_thumbnails(parts) == join_thumbnails(whole)


def with_bits_flipped(source: Path, out: Path, seed: int) -> Path:
    """Write the source with a few bits of one picture turned over."""
    random = Random(seed)
    with av.open(str(source)) as container:
        pictures = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size > 60]
    data = bytearray(source.read_bytes())
    position, size = random.choice(pictures)
    for _ in range(random.choice((1, 2, 4))):
        data[position + random.randrange(20, size)] ^= 1 << random.randrange(8)
    out.write_bytes(data)
    return out


def test_progress_goes_on_while_damaged_units_are_done_again(walker: Path) -> None:
    told: list[float] = []
    parts_of(spoil(walker, start_s=21.0, end_s=21.4), 30.0, SeesBright(), told.append)
    assert told == sorted(told)
    assert told[-1] <= 1
    assert max(told.count(share) for share in told) <= 5


def test_whoever_is_told_of_progress_may_stop_it_all(walker: Path) -> None:
    def stop(share: float) -> None:
        raise Stopped

    detector = SeesBright()
    with pytest.raises(Stopped):
        parts_of(walker, 30.0, detector, stop)
    assert detector.calls <= 5, "one look"
    assert not [each for each in threads() if each.name == "ahead"]


class Breaks(SeesBright):
    def detect(self, picture: object) -> None:
        raise Stopped


def test_a_detector_that_fails_ends_the_decoding_too(walker: Path) -> None:
    with pytest.raises(Stopped):
        parts_of(walker, 30.0, Breaks())
    assert not [each for each in threads() if each.name == "ahead"]


def test_a_part_is_read_as_it_was_stored(walker: Path) -> None:
    (part,) = parts_of(walker, 30.0, SeesBright())
    assert part_from_json(part_to_json(part)) == part
    assert list(part.thumbnails) == list(range(round(SECONDS)))
    assert part.models == {"bright": "1"}


def test_a_part_without_thumbnails_is_read_too(walker: Path) -> None:
    (part,) = parts_of(walker, 30.0, SeesBright())
    stored = json.loads(part_to_json(part))
    del stored["thumbnails"]
    assert part_from_json(json.dumps(stored).encode()) == replace(part, thumbnails={})


def test_where_nothing_could_be_decoded_nothing_happens() -> None:
    def part(*indices: int) -> PosePart:
        return PosePart(samples=tuple(PoseSample(index=n, shown_s=n / 8, change=0.5) for n in indices), models={})

    joined = join_parts([part(4), part(0, 1)])
    assert [sample.index for sample in joined] == [0, 1, 2, 3, 4]
    assert [sample.change for sample in joined] == [0.5, 0.5, 0.0, 0.0, 0.5]
    assert join_parts([]) == ()
