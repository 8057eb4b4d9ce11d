"""What is sent to the API and what it answers, as JSON. What is sent has to be right to the letter.

What stands below a field describes it in the OpenAPI document.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, WithJsonSchema

from shared.domain.edit_list import RenderMode
from shared.domain.job import JobState, StageState
from shared.domain.messages import LabelKey, LabelValue, StageName
from shared.domain.options import Options
from shared.domain.record import to_dict
from shared.pipeline.begin_uploads import LONGEST_NAME

JOB_ID = "nmzq3lkw5s7ah2dyxv4cot6bei"
BATCH_ID = "c7wq2p5xk4m3hznl6sydt2rvae"
WHEN = "2026-03-01T09:30:00Z"
UPLOAD: dict[str, Any] = {
    "url": "https://storage.example/uploads/nmzq3lkw5s7ah2dyxv4cot6bei/source?signature=4f1c",
    "method": "POST",
    "headers": {"content-type": "video/mp4", "x-goog-content-length-range": "0,73400320", "x-goog-resumable": "start"},
    "resumable": True,
    "expires_at": "2026-03-01T10:30:00Z",
}
ROW: dict[str, Any] = {
    "id": JOB_ID,
    "owner": "ada",
    "batch": BATCH_ID,
    "name": "ride.mp4",
    "state": "analysing",
    "progress": 0.3,
    "created_at": WHEN,
    "ended_at": None,
    "error_code": None,
    "artifacts": [],
    "reel_s": None,
    "duration_s": 283.5,
}
POSE: dict[str, Any] = {"state": "launched", "progress": 0.4, "chunks": 5, "done": 1, "running": 2, "failed": 0}
SLOWEST = {"name": "pose-00002", "position": 0.5, "still_for_s": 2.1, "source_span_s": [120.0, 180.0]}
SKIPPED = {"state": "skipped", "progress": 1.0, "chunks": 0, "done": 0, "running": 0, "failed": 0, "slowest": None}
JOB: dict[str, Any] = {
    **{name: ROW[name] for name in ("id", "owner", "batch", "state", "progress", "created_at", "ended_at")},
    "revision": 1,
    "rendered_revision": 0,
    "epoch": 1,
    "source": {
        "name": "ride.mp4",
        "size_bytes": 73400320,
        "content_type": "video/mp4",
        "duration_s": 283.5,
        "width": 1280,
        "height": 720,
    },
    "options": to_dict(Options(target_s=60.0)),
    "stages": {"pose": {**POSE, "slowest": SLOWEST}, "transcribe": SKIPPED},
    "time_left_s": 41.5,
    "warnings": [],
    "error": None,
    "artifacts": [],
    "numbers": {},
    "labels": {"match": "17"},
}
LINKS: dict[str, Any] = {
    "expires_at": "2026-03-01T10:30:00Z",
    "links": {
        "reel": {"url": f"https://storage.example/downloads/{JOB_ID}/r1/reel.mp4?s=9b2e", "content_type": "video/mp4"},
        "source": {"url": f"https://storage.example/uploads/{JOB_ID}/source?s=77d0", "content_type": "video/mp4"},
    },
}
"""What the document shows; a test holds each against its model."""
Share = Annotated[float, Field(ge=0, le=1)]
Labels = dict[LabelKey, LabelValue]


def moment(at: float) -> datetime:
    """Return seconds since the epoch as a moment in UTC."""
    return datetime.fromtimestamp(at, UTC)


class _Asked(BaseModel):
    # The options are a plain dataclass, so they follow these rules, too; no measure of ours is infinite or no number.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class FileAsked(_Asked):
    """A file that is to be uploaded. Its limits are told for all files at once, so they are not checked here."""

    name: Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST_NAME})]
    """Of a path the last part is kept."""
    size_bytes: Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1})]
    """Exactly: a longer upload is refused."""
    content_type: Annotated[
        str, WithJsonSchema({"type": "string", "examples": ["video/mp4", "audio/mpeg", "application/octet-stream"]})
    ]
    """video/*, audio/*, application/mxf, or application/octet-stream where nobody knows."""


class UploadsAsked(_Asked):
    """Files that are to be uploaded, and what is to be made of each."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "files": [{"name": "ride.mp4", "size_bytes": 73400320, "content_type": "video/mp4"}],
                    "options": {"target_s": 60},
                    "labels": {"match": "17"},
                }
            ]
        }
    )

    files: Annotated[tuple[FileAsked, ...], Field(min_length=1)]
    options: Options = Options()
    labels: Labels = Field(default={}, max_length=32)
    """Your own words, told again with each job."""
    resumable: bool = True
    """Whether uploads may go in parts and be resumed (Cloud Storage's protocol); else each is one PUT."""


class ImportAsked(_Asked):
    """A file in an allow-listed bucket of which a reel is to be made."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"source": "gs://league-footage/match-17.mp4", "request_id": "erp-17"}]}
    )

    source: str = Field(pattern=r"^gs://[^/]+/.+$", max_length=1300)
    """gs://bucket/name"""
    options: Options = Options()
    request_id: str | None = Field(default=None, min_length=1, max_length=200)
    """Your own name for the job: the same one again is the same job. Without one each request is a new job."""
    labels: Labels = Field(default={}, max_length=32)


class ClipAsked(_Asked):
    """A stretch of the source."""

    start_s: Annotated[float, Field(ge=0)]
    end_s: Annotated[float, Field(gt=0)]
    """Behind start_s."""
    score: Annotated[float, Field(ge=0, le=1)] = 1.0
    reasons: tuple[str, ...] = ()


class ReportedClipAsked(BaseModel):
    """A clip as a report has it."""

    wanted: tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(gt=0)]]
    """Start and end in seconds of the source."""


class ReportedEditListAsked(BaseModel):
    """The `edit_list` of a report, in which clips may be changed, left out, repeated and put in another order."""

    clips: Annotated[tuple[ReportedClipAsked, ...], Field(min_length=1)]
    render: RenderMode | None = None


class ReportAsked(BaseModel):
    """A whole report, of which only the edit list is read."""

    edit_list: ReportedEditListAsked


class EditListAsked(
    RootModel[ReportedEditListAsked | ReportAsked | Annotated[tuple[ClipAsked, ...], Field(min_length=1)]]
):
    """What a reel is to be cut from: a report or its edit list, or a bare list of clips. This only describes it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"clips": [{"wanted": [12.5, 18.0]}]},
                {"edit_list": {"clips": [{"wanted": [12.5, 18.0]}]}},
                [{"start_s": 12.5, "end_s": 18.0}],
            ]
        }
    )


class _Told(BaseModel):
    model_config = ConfigDict(defer_build=True, frozen=True)


class HealthTold(_Told):
    """Whether this process answers; it says nothing of what lies behind it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ok"}]})

    status: Literal["ok"] = "ok"


class UploadTold(_Told):
    """A request that begins an upload. Send it as it stands here; it needs no key."""

    url: str
    method: Literal["POST", "PUT"]
    """POST begins a resumable upload, whose `Location` takes the bytes; PUT takes the file itself."""
    headers: dict[str, str]
    """To be sent with it, each as it is: they are part of what was signed."""
    resumable: bool
    expires_at: datetime
    """Until when it may be begun."""


class UploadedJobTold(_Told):
    """An announced file's job and upload."""

    job: str = Field(examples=[JOB_ID])
    name: str = Field(examples=["ride.mp4"])
    state: JobState | Literal["erased"]
    """Other than awaiting_upload only where the same request was made before."""
    upload: UploadTold | None
    """null where the file is not awaited any more."""


class UploadsTold(_Told):
    """A new batch, its jobs in the order of the files."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "batch": BATCH_ID,
                    "jobs": [{"job": JOB_ID, "name": "ride.mp4", "state": "awaiting_upload", "upload": UPLOAD}],
                }
            ]
        }
    )

    batch: str = Field(examples=[BATCH_ID])
    jobs: list[UploadedJobTold]


class SourceTold(_Told):
    """What is known of the source."""

    name: str = Field(examples=["ride.mp4"])
    size_bytes: int | None
    """As announced, then as uploaded."""
    content_type: str | None
    duration_s: float | None
    width: int | None
    height: int | None
    """In pixels, as shown; null for sound alone and before it was looked at."""


class StandingTold(_Told):
    """The running part of a stage that has stood still longest."""

    name: str = Field(examples=["pose-00003"])
    position: Share
    still_for_s: float
    source_span_s: tuple[float, float] | None
    """Which stretch of the source it works on."""


class StageTold(_Told):
    """How far one stage is."""

    state: StageState
    progress: Share
    chunks: int
    done: int
    running: int
    failed: int
    slowest: StandingTold | None


class WarningTold(_Told):
    """Something to know about a job that goes on."""

    code: str
    message: str


class ErrorTold(_Told):
    """Why a job failed."""

    code: str = Field(examples=["no_video_stream"])
    message: str
    is_input: bool
    """Whether the source or what was asked of it is at fault, so that trying again cannot help."""


class JobTold(_Told):
    """A job as it is now."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB]})

    id: str = Field(examples=[JOB_ID])
    owner: str
    batch: str | None
    state: JobState
    revision: int
    """Counts edit lists; the ETag is made of it."""
    rendered_revision: int
    """Which revision the artifacts are of; 0 before there are any. It lags behind where an edit failed: see error."""
    epoch: int
    """Counts retries."""
    created_at: datetime = Field(examples=[WHEN])
    ended_at: datetime | None
    source: SourceTold
    options: Options
    stages: dict[StageName, StageTold]
    progress: Share
    time_left_s: float | None
    """About how long it takes yet; null while that cannot be told."""
    warnings: list[WarningTold]
    error: ErrorTold | None
    artifacts: list[str] = Field(examples=[["captions_srt", "poster", "reel", "report", "timeline", "transcript"]])
    """What can be downloaded, by name."""
    numbers: dict[str, float]
    """What was measured: reel_s, kept_s, source_s, in seconds."""
    labels: dict[str, str]


class JobRowTold(_Told):
    """A job in a list. Progress comes in steps, at each tenth of a stage."""

    id: str = Field(examples=[JOB_ID])
    owner: str
    batch: str | None
    name: str = Field(examples=["ride.mp4"])
    state: JobState
    progress: Share
    created_at: datetime = Field(examples=[WHEN])
    ended_at: datetime | None
    error_code: str | None
    artifacts: list[str]
    """What can be downloaded, by name."""
    reel_s: float | None
    """How long the reel is; null before there is one."""
    duration_s: float | None
    """How long the source is; null before it was looked at."""


class LinkTold(_Told):
    """Where a file is for a while."""

    url: str
    """Needs no key: whoever has it may use it until it expires."""
    content_type: str


class LinksTold(_Told):
    """Addresses of a job's files, signed as they were asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [LINKS]})

    expires_at: datetime
    """Until when the addresses are good."""
    links: dict[str, LinkTold]
    """By the names in the job's `artifacts`, and `source`."""


class JobsTold(_Told):
    """A page of jobs, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"jobs": [ROW], "next_page_token": None}]})

    jobs: list[JobRowTold]
    next_page_token: str | None
    """Asks for the page after this one; null on the last."""


class BatchTold(_Told):
    """A batch as it is now; jobs that were erased are not in it any more."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": BATCH_ID,
                    "created_at": WHEN,
                    "counts": {"analysing": 1},
                    "progress": 0.3,
                    "is_ended": False,
                    "jobs": [ROW],
                    "labels": {},
                }
            ]
        }
    )

    id: str = Field(examples=[BATCH_ID])
    created_at: datetime = Field(examples=[WHEN])
    counts: dict[JobState, int]
    """Of its jobs by state; states without a job are left out."""
    progress: Share
    """The mean of its jobs'; one that ended is through, however it ended."""
    is_ended: bool
    jobs: list[JobRowTold]
    """In the order they were asked for."""
    labels: dict[str, str]


class FileErrorTold(_Told):
    """What is wrong with one announced file."""

    file: int
    """Its place in the request, from 0."""
    code: str
    detail: str


class ProblemTold(BaseModel):
    """What went wrong (RFC 9457): `code` is stable and for programs, `detail` a sentence for people."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(examples=["urn:montage:unknown_job"])
    title: str
    status: int
    code: str = Field(
        examples=["unknown_job"],
        description="New ones may come: whoever does not know a code goes by the status.",
    )
    detail: str
    state: JobState | None = Field(default=None, description="The job's state, where that is what is in the way.")
    artifacts: list[str] | None = Field(default=None, description="What there is instead of what was asked for.")
    errors: list[FileErrorTold] | None = Field(default=None, description="What is wrong with each file.")
    trace_id: str | None = Field(default=None, description="By which the log tells of this request.")
