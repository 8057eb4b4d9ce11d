"""What a run tells its caller about one video: the JSON object, the line for people, the exit code."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.local.output_folder import holder
from functions.printable import printable
from shared.domain.chunk import Failure
from shared.domain.job import Job, JobState, Warned

FOLDER_LABEL = "local.folder"
SOURCE_LABEL = "local.source"
OK, TROUBLE, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One video's result."""

    source: str
    job_id: str | None = None
    state: JobState | None = None
    """None when the video was refused before it became a job."""
    error: Failure | None = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Artifact names to absolute paths."""
    numbers: Mapping[str, float] = field(default_factory=dict)
    warnings: tuple[Warned, ...] = ()

    @property
    def exit_code(self) -> int:
        if self.error is not None:
            return BAD_INPUT if self.error.is_input else TROUBLE
        return OK if self.state == "done" else TROUBLE

    def to_dict(self) -> dict[str, Any]:
        error = None if self.error is None else {"code": self.error.code, "message": self.error.message}
        timings = {name: value for name, value in self.numbers.items() if name not in ("reel_s", "kept_s", "source_s")}
        return {
            "source": self.source,
            "job_id": self.job_id,
            "state": self.state or "failed",
            "error": error,
            "outputs": dict(self.outputs),
            "warnings": [{"code": each.code, "message": each.message} for each in self.warnings],
            "source_s": self.numbers.get("source_s"),
            "reel_s": self.numbers.get("reel_s"),
            "timings": timings,
        }

    def sentence(self) -> str:
        """Return the last line people see of this video."""
        return printable(self._sentence())

    def _sentence(self) -> str:
        if self.error is not None:
            return f"{self.error.message} [{self.error.code}]"
        if self.state in ("cancelled", "expired", "erasing"):
            return f"{self.source}: {self.state}"
        if self.state != "done":
            return f"{self.source}: {self.state}; go on with: {own_command()} job {self.job_id}"
        if "reel" not in self.outputs:
            return f"{self.source}: done; the results of a later run lie in its folder"
        kept, whole = clock(self.numbers.get("kept_s", 0.0)), clock(self.numbers.get("source_s", 0.0))
        reel = shown_path(self.outputs["reel"])
        return f"{reel}  {clock(self.numbers.get('reel_s', 0.0))}  kept {kept} of {whole}"


def outcome_of(job: Job) -> Outcome:
    """Return a job's outcome; its outputs are those in its folder, unless a later run's have taken their place."""
    folder = job.labels.get(FOLDER_LABEL)
    outputs = {}
    if folder is not None and job.state == "done" and holder(Path(folder)) == results_of(job):
        files = {name: Path(folder) / Path(object_name).name for name, object_name in job.artifacts.items()}
        outputs = {name: str(path) for name, path in files.items() if path.is_file()}
    return Outcome(
        source=job.labels.get(SOURCE_LABEL, job.source.file_name),
        job_id=job.id,
        state=job.state,
        error=job.error,
        outputs=outputs,
        numbers=dict(job.numbers),
        warnings=job.warnings,
    )


def results_of(job: Job) -> str:
    """Return what a folder of results says that they are of: the job, and which of its edits after the first."""
    return job.id if job.rendered_revision <= 1 else f"{job.id} r{job.rendered_revision}"


def refused(source: str, code: str, message: str, *, is_input: bool = True) -> Outcome:
    """Return the outcome of a video that never became a job."""
    return Outcome(source=source, error=Failure(code=code, message=message, is_input=is_input))


def exit_code(outcomes: Sequence[Outcome]) -> int:
    """Return the whole run's exit code: trouble on our side beats bad input, which beats success."""
    codes = {outcome.exit_code for outcome in outcomes}
    return next((code for code in (TROUBLE, BAD_INPUT) if code in codes), OK)


def clock(seconds: float) -> str:
    """Return seconds as people read them: 1:12, or 1:02:05 from an hour on."""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{left:02d}" if hours else f"{minutes}:{left:02d}"


def shown_path(path: str) -> str:
    """Return the path relative to the working folder where it lies below it; from the root that would look odd."""
    here = Path.cwd()
    is_below = here != Path(here.anchor) and Path(path).is_relative_to(here)
    return str(Path(path).relative_to(here)) if is_below else path


def own_command() -> str:
    """Return what to type for this command: its name where the shell finds it, else its path."""
    own = Path(sys.argv[0])
    if own.name != "montage" or shutil.which("montage") is not None:
        return "montage"
    return shown_path(str(own.absolute()))
