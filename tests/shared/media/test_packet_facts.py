import io
from fractions import Fraction

import pytest

from shared.media.packet_facts import packet_facts
from shared.media.probe import probe
from tests.clips import ClipMaker, ClipSpec

SPEC = ClipSpec(seconds=6, fps=Fraction(30), b_frames=2, start_s=100.0)


@pytest.mark.parametrize(("start_s", "end_s", "first_s"), [(0.0, 99.0, 0.0), (2.5, 4.0, 2.0), (5.3, 5.39, 5.0)])
def test_every_picture_of_a_stretch_is_told_once(clip: ClipMaker, start_s: float, end_s: float, first_s: float) -> None:
    path = clip(SPEC)
    file = io.BytesIO(path.read_bytes())
    facts = list(packet_facts(file, probe(file, name="x"), start_s=start_s, end_s=end_s, name="x"))
    wanted = [float(t) for t in SPEC.frame_times_s if first_s <= t < end_s]
    assert sorted(fact.shown_s for fact in facts) == pytest.approx(wanted, abs=0.001)
    assert [fact.shown_s for fact in facts if fact.is_keyframe] == pytest.approx(
        [t for t in wanted if t == round(t)], abs=0.001
    )
    assert 0 < sum(fact.size_bytes for fact in facts) < path.stat().st_size
