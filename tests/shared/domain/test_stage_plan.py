import pytest

from shared.domain.options import Mode, Options
from shared.domain.sound import AudioStream
from shared.domain.stage_plan import plan_stages
from tests.shared.domain.records import a_video

SOUND = (AudioStream(index=1, codec="aac", rate_hz=48_000, channels=2),)


@pytest.mark.parametrize(
    ("mode", "stages"), [("auto", {"pose", "transcribe"}), ("motion", {"pose"}), ("speech", {"transcribe"})]
)
def test_the_mode_decides_what_is_looked_for(mode: Mode, stages: set[str]) -> None:
    assert set(plan_stages(a_video(audio=SOUND), Options(mode=mode), max_tasks=200)) == stages


def test_a_source_without_sound_is_not_transcribed() -> None:
    assert set(plan_stages(a_video(), Options(mode="auto"), max_tasks=200)) == {"pose"}
    assert plan_stages(a_video(), Options(mode="speech"), max_tasks=200) == {}


def test_each_stage_has_its_own_units() -> None:
    plans = plan_stages(a_video(duration_s=100.0, audio=SOUND), Options(chunk_s=60), max_tasks=200)
    assert (plans["pose"].units, plans["pose"].chunks) == (10, 2)
    assert (plans["transcribe"].units, plans["transcribe"].chunks) == (5, 3)
