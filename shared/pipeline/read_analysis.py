"""What the analysis stages found, joined over all their chunks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from shared.domain.chunk import Chunk
from shared.domain.damage import Decoded, together
from shared.domain.job import Job, Warned, warned
from shared.domain.messages import StageName
from shared.domain.pose import PoseSample
from shared.domain.sound_level import SoundLevel
from shared.domain.transcript import Transcript
from shared.pipeline import analyse_pose, transcribe
from shared.ports import Cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that is known of a source when its reel is made."""

    samples: tuple[PoseSample, ...] = ()
    thumbnails: Mapping[int, bytes] = field(default_factory=dict)
    """JPEGs by number; empty where no pose task took any."""
    decoded: Decoded = field(default_factory=Decoded)
    """What came of decoding the picture; nothing was expected where nobody looked."""
    transcript: Transcript | None = None
    """None when nobody listened."""
    sound_errors: int = 0
    """Pieces of the sound that could not be decoded."""
    heard_s: float = 0.0
    """How much of the sound could be, where somebody listened."""
    levels: tuple[SoundLevel, ...] = ()
    """How loud the sound is, in order of time; empty where nobody listened."""
    warnings: tuple[Warned, ...] = ()
    models: dict[str, str]
    """Names and versions of the runtimes and models."""
    chunks: Mapping[StageName, Sequence[Chunk]] = field(default_factory=dict)
    """The records of the chunks that were read."""


def read_analysis(cloud: Cloud, job: Job) -> Analysis:
    """Return what the job's finished stages found; a stage that was skipped or failed softly found nothing."""
    found = Analysis(models={})
    if job.stages["pose"].state == "done":
        chunks, parts = _parts(cloud, job, "pose")
        looked = [analyse_pose.part_from_json(data) for data in parts]
        found = Analysis(
            samples=analyse_pose.join_parts(looked),
            thumbnails=analyse_pose.join_thumbnails(looked),
            decoded=together(part.decoded for part in looked),
            models=looked[0].models,
            chunks={"pose": chunks},
        )
    if job.stages["transcribe"].state != "done":
        return found
    chunks, parts = _parts(cloud, job, "transcribe")
    heard = transcribe.join_parts(transcribe.part_from_json(data) for data in parts)
    return replace(
        found,
        transcript=heard.transcript,
        sound_errors=heard.decode_errors,
        heard_s=heard.heard_s,
        levels=heard.levels,
        warnings=tuple(warned(text) for text in heard.warnings),
        models={**found.models, **heard.models},
        chunks={**found.chunks, "transcribe": chunks},
    )


def _parts(cloud: Cloud, job: Job, stage: StageName) -> tuple[Sequence[Chunk], Sequence[bytes]]:
    """Return the records of the stage's chunks, and what their tasks made of them."""
    winners = cloud.jobs.chunks(job.id, stage)
    parts = [cloud.work.read(chunk.result) for chunk in winners if chunk.result is not None]
    if len(parts) != job.stages[stage].plan.chunks:
        raise RuntimeError(f"{len(parts)} of {job.stages[stage].plan.chunks} {stage} parts of {job.id} are there")
    return winners, parts
