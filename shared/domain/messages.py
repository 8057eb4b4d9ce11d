"""Messages between the parts and to the world. A message is only a hint to look: losing or doubling one is harmless."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from shared.domain.object_names import job_of_source
from shared.domain.options import Options

StageName = Literal["pose", "transcribe", "merge"]
LabelKey = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
"""No dots: labels with a dot are Montage's own."""
LabelValue = Annotated[str, Field(max_length=256)]


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ObjectFinalized(_Message):
    """The bucket says an object is complete (CloudEvents type google.cloud.storage.object.v1.finalized)."""

    topic: Literal["object-finalized"] = "object-finalized"
    bucket: str
    name: str
    generation: str
    size_bytes: int = Field(ge=0)


class StageRequested(_Message):
    """Somebody should launch this stage's outstanding chunks."""

    topic: Literal["stage-requested"] = "stage-requested"
    job_id: str
    epoch: int
    stage: StageName
    request: int
    """Counts the requests of this stage; tells a new request from a doubled message."""


class StageDone(_Message):
    """Every chunk of the stage has ended, one way or another."""

    topic: Literal["stage-done"] = "stage-done"
    job_id: str
    epoch: int
    stage: StageName


class JobRequested(_Message):
    """Another system asks for a job. Whoever may publish to the topic may ask; an unknown field or option is refused.

    The same request again is the same job. Systems that share a topic begin their request ids with their own names.
    """

    # The options are a plain dataclass, so they follow these rules, too; no measure of ours is infinite or no number.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    topic: Literal["job-requests"] = "job-requests"
    request_id: str = Field(min_length=1, max_length=200)
    """The asker's own name for the job; it decides which requests are the same."""
    source: str = Field(pattern=r"^gs://[^/]+/.+$", max_length=1300)
    """The film, as gs://bucket/name, in a bucket of the allow-list."""
    options: Options = Options()
    labels: dict[LabelKey, LabelValue] = Field(default={}, max_length=32)
    """The asker's own words, echoed back in every event of the job."""


class JobEvent(_Message):
    """What other systems are told; `n` makes {job}/{epoch}/{revision}/{type}/{n} unique, to dedupe by."""

    topic: Literal["job-events"] = "job-events"
    type: Literal["created", "progress", "done", "failed", "cancelled"]
    job_id: str
    epoch: int
    revision: int
    n: int
    state: str
    labels: dict[str, str] = {}
    error_code: str | None = None
    stage: StageName | None = None
    """Which stage got on, where `percent` says how far."""
    percent: int | None = Field(default=None, ge=0, le=100)
    """Of the stage, in steps of 10; steps that were passed at once are told as the last of them."""

    @property
    def event_id(self) -> str:
        return f"{self.job_id}/{self.epoch}/{self.revision}/{self.type}/{self.n}"


class DeadLetter(_Message):
    """A message that can never be handled, with the reason."""

    topic: Literal["dead-letters"] = "dead-letters"
    code: str
    reason: str
    original_topic: str
    body: str


Message = Annotated[
    ObjectFinalized | StageRequested | StageDone | JobRequested | JobEvent | DeadLetter, Field(discriminator="topic")
]
HANDLED_TOPICS = ("object-finalized", "stage-requested", "stage-done", "job-requests")
"""Of messages that have a handler of ours, which may be given them again."""
_ANY: TypeAdapter[Message] = TypeAdapter(Message)


def parse(body: bytes | str) -> Message:
    """Return the message in a JSON body. Raises pydantic.ValidationError when it is none of ours."""
    return _ANY.validate_json(body)


def job_id_of(message: Message) -> str | None:
    """Return the job a message is about, None when it names none."""
    if isinstance(message, ObjectFinalized):
        return job_of_source(message.name)
    return getattr(message, "job_id", None)


def key_of(body: str) -> str | None:
    """Return the job that a body is about, None when it names none or is none of our messages."""
    try:
        return job_id_of(parse(body))
    except ValidationError:
        return None
