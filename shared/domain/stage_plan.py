"""Which stages a source goes through, by what was asked for and what it has."""

from shared.domain.messages import StageName
from shared.domain.options import Options
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.units import POSE_UNIT_S, ChunkPlan, plan_chunks
from shared.domain.video import Video

LOOKS_FOR_MOTION = ("auto", "motion")
LISTENS_FOR_SPEECH = ("auto", "speech")


def plan_stages(video: Video, options: Options, *, max_tasks: int) -> dict[StageName, ChunkPlan]:
    """Return a plan for each analysis stage the source goes through; stages that are missing are skipped.

    A source without sound skips transcription; in mode speech nothing is left then.
    """
    wanted: dict[StageName, float] = {}
    if options.mode in LOOKS_FOR_MOTION:
        wanted["pose"] = POSE_UNIT_S
    if options.mode in LISTENS_FOR_SPEECH and video.audio:
        wanted["transcribe"] = SPEECH_UNIT_S
    return {
        stage: plan_chunks(duration_s=video.duration_s, unit_s=unit_s, chunk_s=options.chunk_s, max_tasks=max_tasks)
        for stage, unit_s in wanted.items()
    }
