"""One video through Montage on an emulated Google Cloud: `python -m tests.emulators.cloud_demo [VIDEO]`."""

import argparse
import json
import logging
import mimetypes
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import httpx
import pytest

from functions.local.outcome import clock
from functions.local.progress import STAGE_WORDS, share_of
from functions.local.run_jobs import new_job_id
from functions.printable import printable
from shared.domain.chunk import ChunkSummary
from shared.domain.job import Job, Source
from shared.domain.messages import StageName
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.errors import MontageError
from shared.pipeline.stage_summary import stage_summary
from tests.emulators.cloud import DOWNLOADS, UPLOADS, WORK, EmulatedCloud, emulated_cloud, tails
from tests.emulators.google import PROJECT
from tests.emulators.inventory import Row, documents, objects, subscriptions
from tests.emulators.plain_http import download, upload

LOOK_EVERY_S = 0.3
LINK_LIVES_S = 600
EVENT_S = 5.0  # the last event is told a moment after the record has changed
STEP = 0.1  # of a stage, between two lines
OK, TROUBLE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class Screen:
    """Lines with the time since the start."""

    def __init__(self) -> None:
        self._started_at = time.monotonic()

    def say(self, line: str) -> None:
        print(f"{time.monotonic() - self._started_at:6.1f} s  {printable(line)}", flush=True)

    def table(self, title: str, rows: Iterator[Row]) -> None:
        """Print rows, the first column as wide as it must be."""
        found = list(rows)
        widest = max((len(row[0]) for row in found), default=0)
        print(f"\n{title}")
        for where, word in found:
            print(f"  {where:<{widest}}  {word}")


class Follower:
    """Says what is new of a job, from its record and from the events that other systems get."""

    def __init__(self, here: EmulatedCloud, screen: Screen, job: Job) -> None:
        self._here, self._screen, self._job = here, screen, job
        self._told: dict[StageName, float] = {}
        self._events: set[str] = set()

    def to_the_end(self) -> Job:
        """Return the job when it has ended and has told so."""
        while not self._look().is_final:
            time.sleep(LOOK_EVERY_S)
        give_up_at = time.monotonic() + EVENT_S
        while not self._has_told_its_end() and time.monotonic() < give_up_at:
            time.sleep(LOOK_EVERY_S)
        return self._look()

    def _look(self) -> Job:
        job = self._here.cloud.jobs.get(self._job.id)
        if job.state != self._job.state:
            self._screen.say(f"record  {self._job.state} → {job.state}{_plan(job) if job.state == 'analysing' else ''}")
        for name, stage in job.stages.items():
            if stage.state not in ("planned", "skipped"):
                self._stage(job, name)
        self._job = job
        self._new_events()
        return job

    def _stage(self, job: Job, name: StageName) -> None:
        stage = job.stages[name]
        summary = ChunkSummary() if stage.is_settled else stage_summary(self._here.cloud, job, name)
        share, told = share_of(job, name, summary), self._told.get(name, 0.0)
        if share <= told or (share < told + STEP and not stage.is_settled):
            return
        self._told[name] = share
        done = stage.plan.chunks if stage.state == "done" else summary.done
        self._screen.say(f"        {STAGE_WORDS[name]} {share:.0%} ({done} of {stage.plan.chunks} chunks)")

    def _new_events(self) -> None:
        for told in list(self._here.told):
            event_id = told.message.attributes["ce-id"]
            if event_id not in self._events:  # at least once is how events come
                self._events.add(event_id)
                event = json.loads(told.message.data)
                how_far = f"{event['stage']} {event['percent']} %" if event.get("stage") else event.get("state", "")
                self._screen.say(f"event   {told.kind}  {how_far}  (id …{event_id.removeprefix(self._job.id)})")

    def _has_told_its_end(self) -> bool:
        return bool(self._here.kinds(self._job.id) & {f"montage.job.{self._job.state}.v1"})


def show(here: EmulatedCloud, screen: Screen, video: Path, out: Path) -> int:
    """Send a video through the cloud and return the exit code."""
    job = Job(id=new_job_id(), source=Source(file_name=video.name), options=Options(), created_at=here.cloud.clock())
    here.cloud.jobs.create(job)
    screen.say(f"record  jobs/{job.id} awaits its upload")
    with httpx.Client(timeout=60) as http:
        _send(here, screen, http, job, video)
        job = Follower(here, screen, job).to_the_end()
        if job.state == "done":
            _fetch(here, screen, http, job, out)
    _list(here, screen)
    if job.error is not None:
        print(f"\n{printable(job.error.message)} [{job.error.code}]", file=sys.stderr)
        return BAD_INPUT if job.error.is_input else TROUBLE
    print(f"\nThe reel: {out / 'reel.mp4' if (out / 'reel.mp4').exists() else out / 'reel.m4a'}")
    return OK


def _send(here: EmulatedCloud, screen: Screen, http: httpx.Client, job: Job, video: Path) -> None:
    kind = mimetypes.guess_type(video.name)[0] or "application/octet-stream"
    most = here.settings.limits.max_source_bytes
    signed = here.uploads.resumable_upload(source(job.id), content_type=kind, max_bytes=most, expires_s=LINK_LIVES_S)
    upload(http, signed, video, on_progress=lambda sent, total: screen.say(f"upload  {sent:,} of {total:,} bytes"))


def _fetch(here: EmulatedCloud, screen: Screen, http: httpx.Client, job: Job, out: Path) -> None:
    for object_name in job.artifacts.values():
        name = Path(object_name).name
        url = here.downloads.download(object_name, file_name=name, expires_s=LINK_LIVES_S)
        download(http, url, out / name)
    screen.say(f"signed downloads of {len(job.artifacts)} objects, into {out}")


def _list(here: EmulatedCloud, screen: Screen) -> None:
    screen.table("Firestore documents", documents(here.clients.firestore))
    for bucket in (UPLOADS, WORK, DOWNLOADS):
        screen.table(f"Bucket {bucket}", objects(here.clients.storage, bucket))
    google = here.settings.google
    screen.table(
        "Pub/Sub topics, and who gets what is published", subscriptions(str(google.pubsub_emulator_host), PROJECT)
    )
    screen.table("Functions", iter(here.functions.items()))
    executions = (
        (each.name.rpartition("/")[2], f"{each.succeeded_count} of {each.task_count}") for each in here.run.executions()
    )
    screen.table("Cloud Run executions, and tasks that succeeded", executions)


def _plan(job: Job) -> str:
    chunks = ", ".join(f"{stage.plan.chunks} of {name}" for name, stage in job.stages.items() if stage.plan.chunks)
    return f": {clock(job.duration_s)} long, chunks: {chunks}"


def sample() -> Path:
    """Return the sample, made first if need be. Raises MontageError."""
    made = subprocess.run(
        [sys.executable, "-m", "functions.local.montage", "sample"], stdout=subprocess.PIPE, text=True, check=False
    )
    if made.returncode != 0:
        raise MontageError("no_sample", "The sample could not be made; name a video of your own: VIDEO=my.mp4.")
    return Path(made.stdout.strip())


@contextmanager
def interruptible() -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end the block in order; later ones do not disturb that."""

    def interrupt(*_: object) -> NoReturn:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, interrupt)
    yield


def run(video: Path, out: Path) -> int:
    """Start the cloud, show it at work, stop it, and return the exit code."""
    if not video.is_file():
        print(f"{video}: there is no such file.", file=sys.stderr)
        return BAD_INPUT
    logs = out / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    logging.basicConfig(filename=logs / "emulators.log")  # a push that fails comes again: no news for the screen
    screen = Screen()
    screen.say("starting Firestore, Pub/Sub, Cloud Storage, Cloud Run jobs and the functions, all on this machine")
    try:
        with emulated_cloud(logs) as here:
            screen.say(f"all of it runs; its logs are in {logs}")
            code = show(here, screen, video, out)
            print("\nStopping everything.")
        return code
    except (httpx.HTTPError, RuntimeError, MontageError) as error:
        print(f"{tails(logs)}\n\n{error}", file=sys.stderr)
        return TROUBLE


def main() -> None:
    """Read the command line and exit."""
    parser = argparse.ArgumentParser(prog="python -m tests.emulators.cloud_demo", description=__doc__)
    parser.add_argument("video", nargs="?", type=Path, help="a video or a recording; without it, a sample")
    parser.add_argument("--out", type=Path, default=Path("out"), help="the folder that reels go into")
    options = parser.parse_args()
    with interruptible():
        try:
            video = options.video or sample()
            code = run(video, options.out / f"{video.stem}-cloud")
        except MontageError as error:
            print(error.message, file=sys.stderr)
            code = TROUBLE
        except (pytest.skip.Exception, pytest.fail.Exception) as missing:  # the emulators say so to tests
            print(missing, file=sys.stderr)
            code = TROUBLE
        except KeyboardInterrupt:
            print("\nInterrupted; everything was stopped.", file=sys.stderr)
            code = INTERRUPTED
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.exit(code)


if __name__ == "__main__":
    main()
