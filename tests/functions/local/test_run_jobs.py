"""One machine's command and jobs that others change meanwhile, over the API for instance."""

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from functions.local import cli
from functions.local.outcome import OK, TROUBLE, Outcome
from functions.local.progress import Silence
from functions.local.run_jobs import Interrupts, follow, resume, submit
from jobs.task import Part, Task
from shared.connect import LocalCloud, connect_signers
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.job import Job
from shared.domain.messages import StageName
from shared.domain.object_names import artifact
from shared.domain.options import Options
from shared.domain.span import span
from shared.pipeline.begin_uploads import UploadsWanted, announced, begin_uploads
from shared.pipeline.erase_job import erase_job
from shared.pipeline.render_again import render_again
from shared.settings import Settings
from tests.clips import ClipSpec, make_clip
from tests.one_machine import InlineLauncher, one_machine
from tests.shared.pipeline.test_render_again import Merge, hear

SPEECH = Options(mode="speech", render="encode", quality="draft", longest_clip_s=4)


class AtOnce(InlineLauncher):
    """Runs an execution's tasks before the launch returns."""

    def launch(self, stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        execution = super().launch(stage, job_id, run_id, tasks=tasks)
        self.run_tasks()
        return execution


@dataclass
class Command:
    """What the command does on a machine whose tasks run in this process."""

    settings: Settings
    launcher: AtOnce
    cloud: LocalCloud
    out: Path
    asked_models: list[str] = field(default_factory=list)

    def submit(self, video: Path) -> Job:
        job = submit(self.cloud, video, out=self.out, options=SPEECH)
        assert isinstance(job, Job)
        return job

    def follow(self, *jobs: Job) -> list[Outcome]:
        return follow(self.cloud, self.settings, [job.id for job in jobs], Silence(), Interrupts())

    def announce(self) -> Job:
        """Announce a file as the API does; nobody uploads it."""
        batch = begin_uploads(
            self.cloud,
            connect_signers(self.settings).uploads,
            UploadsWanted(files=[announced(name="ride.mp4", size_bytes=1000, content_type="video/mp4")]),
            owner="local",
            idempotency_key=None,
            expires_s=60,
            max_files=1,
        )
        return self.cloud.jobs.get(batch.uploads[0].job_id)

    def edit(self, job: Job) -> Job:
        """Ask for a second of the reel, as the API does."""
        given = GivenEditList(clips=(GivenClip(wanted=span(1, 2)),))
        return render_again(self.cloud, job.id, given, render=None, join=None, expected_revision=job.revision)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips"), ClipSpec(seconds=12.0, fps=Fraction(10), keyframe_s=1.0))


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """A machine, and `montage` on it; it keeps which models were asked for, and fetches none."""
    (tmp_path / "scratch").mkdir()
    machine = one_machine(tmp_path / "home", merge=Merge(tmp_path / "scratch"))
    launcher = AtOnce(settings=machine.launcher.settings, work={**machine.launcher.work, "transcribe": hear})
    launcher.cloud = replace(machine.cloud, launcher=launcher)
    made = Command(settings=launcher.settings, launcher=launcher, cloud=launcher.cloud, out=tmp_path / "out")
    monkeypatch.setattr(cli, "_settings", lambda workers: made.settings)
    monkeypatch.setattr(cli, "connect_local", lambda settings: replace(made.cloud, closers=()))
    monkeypatch.setattr(cli, "missing_packages", list)
    monkeypatch.setattr(cli, "_fetch", lambda name, settings, shown: made.asked_models.append(name))
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield made
    for number, handler in handlers.items():
        signal.signal(number, handler)
    machine.cloud.close()


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def make_nothing(task: Task) -> Part:
    """Stand in for the merge where no reel is looked at."""
    name = artifact(task.job.id, task.job.revision, "report.json")
    task.cloud.downloads.write(name, json.dumps({"revision": task.job.revision}).encode())
    made: dict[str, Any] = {"artifacts": {"report": "report.json"}, "numbers": {}, "warnings": []}
    return Part(body=json.dumps(made).encode(), numbers={})


def report_in(outcome: Outcome) -> Any:
    return json.loads(Path(outcome.outputs["report"]).read_text())


def test_a_job_that_is_erased_meanwhile_is_told_as_unknown_and_the_other_one_ends(
    command: Command, video: Path
) -> None:
    command.launcher.work["merge"] = make_nothing
    staying, going = command.submit(video), command.submit(video)

    def hear_and_erase(task: Task) -> Part:
        command.launcher.work["transcribe"] = hear
        erase_job(command.cloud, (going if task.job.id == staying.id else staying).id)
        return hear(task)

    command.launcher.work["transcribe"] = hear_and_erase
    outcomes = {outcome.job_id: outcome for outcome in command.follow(staying, going)}
    assert set(outcomes) == {staying.id, going.id}
    [gone] = [each for each in outcomes.values() if each.error is not None]
    [ended] = [each for each in outcomes.values() if each.error is None]
    assert (ended.state, ended.exit_code) == ("done", OK)
    assert report_in(ended)["revision"] == 1
    assert gone.error is not None
    assert (gone.error.code, gone.exit_code, gone.outputs) == ("unknown_job", TROUBLE, {})
    assert gone.to_dict()["state"] == "erasing"
    assert gone.sentence().endswith("[unknown_job]")


def test_a_job_that_awaits_its_upload_is_told_at_once(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    job = command.announce()
    assert job.state == "awaiting_upload"
    assert cli.main(["job", job.id, "--json"]) == TROUBLE
    answer = told(capsys)
    assert (answer["job_id"], answer["state"], answer["error"]) == (job.id, "awaiting_upload", None)
    assert answer["source"] == "ride.mp4"
    assert (command.asked_models, command.launcher.launches) == ([], [])
    assert cli.main(["job", job.id]) == TROUBLE
    assert "ride.mp4: awaiting_upload" in capsys.readouterr().err


def test_the_reel_of_an_edit_takes_the_place_of_the_one_before_it_in_the_folder(command: Command, video: Path) -> None:
    job = command.submit(video)
    [first] = command.follow(job)
    assert report_in(first)["revision"] == 1
    reel = Path(first.outputs["reel"]).read_bytes()
    command.edit(command.cloud.jobs.get(job.id))
    resume(command.cloud, job.id)
    [second] = command.follow(job)
    assert (second.state, second.exit_code, second.error) == ("done", OK, None)
    assert second.outputs.keys() == first.outputs.keys()
    assert second.outputs["reel"] == first.outputs["reel"], "in the same folder"
    assert report_in(second)["revision"] == 2
    assert Path(second.outputs["reel"]).read_bytes() != reel


def test_an_edit_goes_on_without_models_and_an_analysis_needs_them(
    command: Command, video: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.launcher.work["merge"] = make_nothing
    job = command.submit(video)
    assert cli.main(["job", job.id, "--json"]) == OK
    assert command.asked_models, "speech was to be listened to"
    assert told(capsys)["state"] == "done"
    command.asked_models.clear()
    command.edit(command.cloud.jobs.get(job.id))
    assert cli.main(["job", job.id, "--json"]) == OK
    answer = told(capsys)
    assert json.loads(Path(answer["outputs"]["report"]).read_text())["revision"] == 2
    assert command.asked_models == []
