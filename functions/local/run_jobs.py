"""Submit videos as jobs on one machine and follow them to their end."""

import logging
import os
import secrets
import time
from base64 import b32encode
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from functions.local.event_pump import EventPump
from functions.local.outcome import FOLDER_LABEL, SOURCE_LABEL, Outcome, outcome_of, refused, results_of
from functions.local.output_folder import reserve, store
from functions.local.progress import Display
from functions.printable import printable
from shared.connect import LocalCloud
from shared.domain import job as jobs
from shared.domain.chunk import ChunkSummary, Failure
from shared.domain.given_edit_list import GivenEditList
from shared.domain.job import Job, Source
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.errors import MontageError, NotFound
from shared.pipeline.given_edit_list import store_given
from shared.pipeline.stage_summary import stage_summary
from shared.settings import Settings

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.2
IDLE_S = 0.03


class Interrupts:
    """Whether somebody wants the command to stop; asked between steps, so that none is cut in two."""

    def __init__(self) -> None:
        self._is_asked = False

    def ask(self, *_: object) -> None:
        """Be a signal handler: the first time is noted, the second strikes at once."""
        if self._is_asked:
            raise KeyboardInterrupt
        self._is_asked = True

    def check(self) -> None:
        """Raise KeyboardInterrupt when somebody asked."""
        if self._is_asked:
            raise KeyboardInterrupt


def new_job_id() -> str:
    """Return an unguessable id: 130 bits as 26 characters of base32."""
    return b32encode(secrets.token_bytes(17)).decode().lower()[:26]


def submit(
    cloud: LocalCloud, video: Path, *, out: Path, options: Options, given: GivenEditList | None = None
) -> Job | Outcome:
    """Return the new job for a video, or the outcome of one that cannot become a job.

    With a given edit list the job renders that, and analyses nothing.
    """
    problem = _unusable(video)
    if problem is not None:
        return problem
    path = Path(os.path.abspath(video))
    try:
        folder = reserve(Path(os.path.abspath(out)), path)
    except OSError as error:
        return refused(str(video), "cannot_write", f"{out}: cannot be written to ({error.strerror}).", is_input=False)
    job = Job(
        id=new_job_id(),
        source=Source(file_name=_readable(video.name)),
        options=options,
        created_at=cloud.clock(),
        labels={FOLDER_LABEL: str(folder), SOURCE_LABEL: str(path)},
        is_given=given is not None,
    )
    try:
        if given is not None:
            store_given(cloud, job.id, given)  # first, so that no job is without it
        cloud.jobs.create(job)
        _upload(cloud, job)
    except MontageError as error:
        return _told(job, error)
    return job


def follow(
    cloud: LocalCloud, settings: Settings, job_ids: Sequence[str], shown: Display, interrupts: Interrupts
) -> list[Outcome]:
    """Run the machine's share of the cloud until every job has ended, and return their outcomes in the same order.

    Raises KeyboardInterrupt between two steps when somebody asked for it.
    """
    pump = EventPump(cloud, cloud.deliveries, watchdog_every_s=settings.watchdog_every_s, job_ids=job_ids)
    outcomes: dict[str, Outcome] = {}
    looked_at = 0.0
    while len(outcomes) < len(set(job_ids)):
        interrupts.check()
        was_busy = pump.step()
        if time.monotonic() - looked_at >= LOOK_EVERY_S:
            looked_at = time.monotonic()
            for job_id in [each for each in job_ids if each not in outcomes]:
                outcome = _look(cloud, job_id, shown)
                if outcome is not None:
                    outcomes[job_id] = outcome
        if not was_busy:
            time.sleep(IDLE_S)
    return [outcomes[job_id] for job_id in job_ids]


def resume(cloud: LocalCloud, job_id: str) -> Job:
    """Give an unfinished job new time and new attempts, because a person asked, and return it. Raises NotFound."""
    job = cloud.jobs.get(job_id)
    allowed_s = cloud.limits.deadline_s(job.duration_s)
    now = cloud.clock()
    job = cloud.jobs.update(job_id, lambda job: jobs.resumed(job, now=now, deadline_s=allowed_s))
    if not job.is_final:
        cloud.jobs.renew_attempts(job_id)
    if job.state == "awaiting_upload":
        _upload(cloud, job)
    return job


def _upload(cloud: LocalCloud, job: Job) -> None:
    """Hand the source to the uploads store, unless it is there.

    That of a requested job the watchdog fetches, and that of a job announced over HTTP its owner uploads.
    """
    if job.source.origin is not None or SOURCE_LABEL not in job.labels:
        return
    name = source(job.id)
    try:
        cloud.uploads.stat(name)
    except NotFound:
        cloud.uploads.upload(Path(job.labels[SOURCE_LABEL]), name)


def awaits_its_owner(job: Job) -> bool:
    """Return whether only whoever announced the job over HTTP can bring it on, by uploading its source."""
    return job.state == "awaiting_upload" and job.source.origin is None and SOURCE_LABEL not in job.labels


def _told(job: Job, error: MontageError) -> Outcome:
    """Return the outcome of a job that an error of ours keeps from going on."""
    return replace(outcome_of(job), error=_failure(error), outputs={})


def _failure(error: MontageError) -> Failure:
    return Failure(code=error.code, message=error.message)


def _readable(name: str) -> str:
    """Return a file name as text on one line; bytes that are no UTF-8 become question marks."""
    return printable(os.fsencode(name).decode(errors="replace").replace("\ufffd", "?"))


def _unusable(video: Path) -> Outcome | None:
    """Return why a path cannot be a source, None when it can. What is inside is the job's business."""
    try:
        if not video.exists():
            return refused(str(video), "no_such_file", f"{video}: there is no such file.")
        if not video.is_file():
            kind = "a folder" if video.is_dir() else "not a regular file"
            return refused(str(video), "not_a_file", f"{video}: this is {kind}; name a video file.")
        with open(video, "rb"):
            return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return refused(str(video), "cannot_read", f"{video}: cannot be read ({reason}).")


def now_of(cloud: LocalCloud, job_id: str) -> Outcome:
    """Return a job's outcome as it is at this moment."""
    try:
        return outcome_of(cloud.jobs.get(job_id))
    except NotFound as error:
        return _erased(job_id, error)


def _erased(job_id: str, error: NotFound) -> Outcome:
    return Outcome(source=job_id, job_id=job_id, state="erasing", error=_failure(error))


def _look(cloud: LocalCloud, job_id: str, shown: Display) -> Outcome | None:
    """Show where a job is; return its outcome once it has ended and its results lie in its folder.

    Of one that only its owner over HTTP can bring on, that is at once.
    """
    try:
        job = cloud.jobs.get(job_id)
    except NotFound as error:
        return _erased(job_id, error)
    if job.state == "erasing" or awaits_its_owner(job):
        return outcome_of(job)
    for name, stage in job.stages.items():
        if stage.state == "skipped":
            continue
        summary = ChunkSummary() if stage.is_settled else stage_summary(cloud, job, name)
        shown.stage(job, name, summary)
    if not job.is_final:
        return None
    try:
        if job.state == "done":
            _deliver(cloud, job)
    except MontageError as error:
        return _told(job, error)
    except OSError as error:
        message = f"{job.labels[FOLDER_LABEL]}: cannot be written to ({error.strerror})."
        return _told(job, MontageError("cannot_write", message))
    return outcome_of(job)


def _deliver(cloud: LocalCloud, job: Job) -> None:
    """Put the artifacts into the job's folder, unless they or a later run's lie there. Raises OSError, NotFound.

    A job that was requested by a message has no folder: its artifacts stay where they are.
    """
    if FOLDER_LABEL not in job.labels:
        return
    folder = Path(job.labels[FOLDER_LABEL])
    if len(outcome_of(job).outputs) == len(job.artifacts):
        return
    with ExitStack() as open_files:
        objects = {
            Path(object_name).name: open_files.enter_context(cloud.downloads.open(object_name))
            for object_name in job.artifacts.values()
        }
        store(objects, folder, of=results_of(job), created_at=job.created_at)
