"""Which stages a source goes through, by what was asked for and what it has."""

from shared.domain.messages import StageName
from shared.domain.options import Mode, Options
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.units import POSE_UNIT_S, ChunkPlan, plan_chunks
from shared.domain.video import Media, Video

STAGES_OF: dict[Mode, tuple[StageName, ...]] = {
    "auto": ("pose", "transcribe"),
    "motion": ("pose",),
    "speech": ("transcribe",),
}
"""What has to be done for what was asked for; a source that lacks picture or sound skips its stage."""


def plan_stages(media: Media, options: Options, *, max_tasks: int) -> dict[StageName, ChunkPlan]:
    """Return a plan for each analysis stage the source goes through; stages that are missing are skipped.

    A source without sound skips transcription; in mode speech nothing is left then. One without a picture skips pose.
    """
    wanted: dict[StageName, float] = {}
    if "pose" in STAGES_OF[options.mode] and isinstance(media, Video):
        wanted["pose"] = POSE_UNIT_S
    if "transcribe" in STAGES_OF[options.mode] and media.audio:
        wanted["transcribe"] = SPEECH_UNIT_S
    return {
        stage: plan_chunks(duration_s=media.duration_s, unit_s=unit_s, chunk_s=options.chunk_s, max_tasks=max_tasks)
        for stage, unit_s in wanted.items()
    }
