"""How far a stage is, by the records of its chunks."""

from shared.domain.chunk import ChunkSummary, summarise
from shared.domain.job import Job
from shared.domain.messages import StageName
from shared.ports import Cloud


def stage_summary(cloud: Cloud, job: Job, name: StageName) -> ChunkSummary:
    """Return counts, the running and the failed chunks of the stage's plan; earlier revisions' chunks do not count."""
    first = job.stages[name].first_chunk
    if first == 0:
        return cloud.jobs.chunk_summary(job.id, name)
    return summarise([chunk for chunk in cloud.jobs.chunks(job.id, name) if chunk.index >= first])
