"""What the pipeline needs from a cloud, as protocols; the adapters are the only ones that know how."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from shared.domain.api_key import ApiKey
from shared.domain.batch import Batch
from shared.domain.chunk import Chunk, ChunkSummary, Failure, Lease, StartAnswer
from shared.domain.job import Job
from shared.domain.limits import Limits
from shared.domain.listing import JobPage, JobQuery
from shared.domain.messages import DeadLetter, Message, StageName
from shared.domain.plan import ExecutionState
from shared.domain.ranker import BuiltInRanker, HighlightRanker
from shared.domain.source_address import SourceAddress

if TYPE_CHECKING:  # functions load this module too, and numpy is nothing to them
    import numpy as np
    from numpy.typing import NDArray

GENERATION_GONE = "generation_gone"
"""Code of the NotFound that a store raises when an object is there, but not in the generation asked for."""

Clock = Callable[[], float]
"""Returns seconds since the epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectStat:
    """What a store knows of an object without reading it."""

    name: str
    size_bytes: int
    generation: str
    """Changes whenever the object's bytes are replaced."""
    content_type: str | None = None
    """The media type it was stored with; None where nobody said one."""


class ObjectStore(Protocol):
    """Whole objects by name. Writes are atomic: a reader sees the old bytes or the new, never a mixture.

    Names come from `domain/object_names.py`; a name that leaves the store raises ValueError.
    """

    def open(self, name: str, generation: str | None = None) -> BinaryIO:
        """Return a seekable reader, pinned to the generation.

        Raises NotFound, with code `GENERATION_GONE` when another generation is there, also while it is being read.
        """
        ...

    def read(self, name: str) -> bytes:
        """Return the whole object. Raises NotFound."""
        ...

    def write(self, name: str, data: bytes, *, only_if_absent: bool = False) -> ObjectStat:
        """Store the bytes. Raises AlreadyThere when `only_if_absent` and the name is taken; one of many racers wins."""
        ...

    def upload(self, path: Path, name: str, *, only_if_absent: bool = False) -> ObjectStat:
        """Store a file. Raises AlreadyThere like `write`."""
        ...

    def stat(self, name: str) -> ObjectStat:
        """Raises NotFound."""
        ...

    def list(self, prefix: str) -> Iterator[str]:
        """Yield the names that begin with the prefix, in order."""
        ...

    def delete(self, name: str) -> None:
        """Remove the object; one that is not there is no error."""
        ...

    def stat_elsewhere(self, source: SourceAddress) -> ObjectStat:
        """Return what is known of an object in another bucket. Raises NotFound."""
        ...

    def copy_from(self, source: SourceAddress, name: str) -> ObjectStat:
        """Make an object out of another bucket's, without its bytes passing through this process.

        Raises AlreadyThere when the name is taken (one of many racers wins), NotFound when there is no such source.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedUpload:
    """A request that whoever holds it may make without an account of ours, exactly as it stands here."""

    url: str
    method: str
    headers: Mapping[str, str]
    """To be sent with it, each as it is: they are part of what was signed."""
    expires_at: float
    """Seconds since the epoch."""


class UrlSigner(Protocol):
    """Lets people reach single objects of one bucket for a while. Every expiry is at most 7 days (ValueError beyond).

    An upload takes one object of one type and at most `max_bytes`, and only while the name is free.
    """

    def resumable_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that begins an upload in parts; its answer's `Location` takes them, for up to a week."""
        ...

    def single_upload(self, name: str, *, content_type: str, max_bytes: int, expires_s: int) -> SignedUpload:
        """Return the request that takes the whole object as its body."""
        ...

    def download(self, name: str, *, file_name: str, expires_s: int) -> str:
        """Return an address that a browser saves under the user's file name, whatever characters are in that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Signers:
    """Who signs for the two buckets that people reach."""

    uploads: UrlSigner
    """Uploads of sources, and downloads of them for their owners."""
    downloads: UrlSigner


class JobStore(Protocol):
    """Job and chunk records. Every change is serialised; the rules are those of `domain/job.py` and `chunk.py`.

    A job record of an older Montage is read as one of today's; one of a newer raises BadRequest `newer_records`.
    """

    def create(self, job: Job) -> bool:
        """Store a new job. Returns False, changing nothing, when a job of that id exists or was erased lately."""
        ...

    def get(self, job_id: str) -> Job:
        """Raises NotFound."""
        ...

    def update(self, job_id: str, change: Callable[[Job], Job]) -> Job:
        """Apply a pure change, which may run twice, and return the job as it now is. Raises NotFound."""
        ...

    def list(self, *, unfinished_only: bool = False) -> Sequence[Job]:
        """Return the jobs, oldest first; a final job that still has something in its outbox counts as unfinished."""
        ...

    def page(self, query: JobQuery, *, limit: int, token: str | None) -> JobPage:
        """Return at most `limit` of the jobs asked for, newest first, and the token of the page after them.

        Without a token it is the first page. Raises BadRequest `bad_page_token` for one that is damaged or comes from
        another query.
        """
        ...

    def create_batch(self, batch: Batch) -> bool:
        """Store a new batch. Returns False, changing nothing, when a batch of that id exists."""
        ...

    def get_batch(self, batch_id: str) -> Batch:
        """Raises NotFound."""
        ...

    def start_chunk(self, job_id: str, stage: StageName, index: int, *, run_id: str, task_attempt: int) -> StartAnswer:
        """Take the chunk's lease, counting the attempt, or say why not. Raises NotFound for an unknown job."""
        ...

    def beat(self, lease: Lease, position: float) -> None:
        """Record how far the task is. Raises LeaseLost, also once the job or its stage has ended."""
        ...

    def finish_chunk(self, lease: Lease, *, result: str, numbers: dict[str, float]) -> None:
        """Name the winner's part. Raises LeaseLost."""
        ...

    def fail_chunk(self, lease: Lease, error: Failure, *, is_final: bool) -> Chunk:
        """Record an error and return the chunk: failed, or pending for another attempt. Raises LeaseLost."""
        ...

    def hand_back_chunk(self, lease: Lease) -> None:
        """The task was told to stop: the chunk is pending again and the attempt does not count. Raises LeaseLost."""
        ...

    def renew_attempts(self, job_id: str) -> None:
        """Forget the attempts of chunks that have not ended, because a person asked for the job to go on."""
        ...

    def reopen_chunks(self, job_id: str) -> None:
        """Make the failed and the running chunks of a failed job pending, with all their attempts; leases are lost.

        Done ones stay done. It changes nothing of a job in another state, so a call that comes too late does no harm.
        """
        ...

    def forget(self, job_id: str) -> None:
        """Remove all records of a job, and leave a tombstone for `TOMBSTONE_S`; an unknown job leaves none.

        The tombstone comes first, then the chunks go and the job's id in its batch (a batch that is empty then goes as
        a whole), and the job's own record last: whoever is cut off can do it again.
        """
        ...

    def was_erased(self, job_id: str) -> bool:
        """Return whether a job of that id was forgotten within the last `TOMBSTONE_S`."""
        ...

    def sweep_tombstones(self) -> None:
        """Remove the tombstones that do not count any more, where the store does not do so by itself."""
        ...

    def chunk_summary(self, job_id: str, stage: StageName) -> ChunkSummary:
        """Return counts, the running and the failed chunks."""
        ...

    def ended_chunks(self, job_id: str, stage: StageName) -> int:
        """Return how many of the stage's chunks are done or failed, without reading a chunk's record.

        Every task asks at its end, while others run: with `chunk_summary` n tasks at once would read n² records.
        """
        ...

    def chunks(self, job_id: str, stage: StageName) -> Sequence[Chunk]:
        """Return the records of all chunks that were ever started, by index."""
        ...


class KeyStore(Protocol):
    """API keys by hash; who may do what with one is not its business."""

    def add(self, key: ApiKey) -> bool:
        """Store a new key. Returns False, changing nothing, when a key of that hash exists."""
        ...

    def find(self, sha256: str) -> ApiKey | None:
        """Return the key of that hash, revoked ones too; None when nobody added it."""
        ...

    def list(self, owner: str | None = None) -> Sequence[ApiKey]:
        """Return an owner's keys, or everybody's, oldest first, revoked ones too."""
        ...

    def revoke(self, sha256: str, *, at: float) -> ApiKey:
        """Record that the key no longer counts, and return it; the first time stands. Raises NotFound."""
        ...

    def close(self) -> None: ...


class EventBus(Protocol):
    """Messages to whoever subscribed to their topic, at least once, in any order."""

    def publish(self, message: Message) -> None: ...


class JobLauncher(Protocol):
    """Runs one execution of a stage's job: one task per entry of the run's chunk list, in any order."""

    def launch(self, stage: StageName, job_id: str, run_id: str, *, tasks: int) -> str:
        """Start the execution and return its name. Never retried by the adapter."""
        ...

    def state(self, execution: str) -> ExecutionState:
        """Return whether tasks may still run or wait; an execution nobody knows has ended.

        "queued" only where the platform says that it has begun none of its tasks.
        """
        ...

    def cancel(self, execution: str) -> None:
        """Stop the execution's tasks; one that has ended is no error."""
        ...

    def forget(self, job_id: str) -> None:
        """Remove what is kept here of a job's tasks, such as their logs; a platform's own logs have their own end."""
        ...


class PushVerifier(Protocol):
    """Tells pushes of our own subscriptions and Scheduler jobs from everybody else's."""

    def verify(self, authorization: str | None) -> None:
        """Return for one of ours, by its Authorization header. Raises NotAuthenticated, NotAllowed or TryAgain."""
        ...


class PoseDetector(Protocol):
    """Finds one person in a picture."""

    versions: dict[str, str]
    """Names and versions of the runtime and the model, for the report."""

    def detect(self, picture: "NDArray[np.uint8]") -> Sequence[tuple[float, float, float]] | None:
        """Return (x, y, visibility) of each of `domain.pose.KEYPOINTS`, None when nobody is seen.

        x and y are shares of the picture; `picture` is C-contiguous RGB of shape (height, width, 3).
        """
        ...


class SpeechRecognizer(Protocol):
    """Hears speech in up to 30 s of sound; every answer is a function of the samples it is given alone.

    Samples have shape (n,), float32 in [-1, 1], 16 kHz; times are seconds from the first of them.
    """

    @property
    def versions(self) -> dict[str, str]:
        """Names and versions of the runtime and the model, for the report."""
        ...

    @property
    def manner(self) -> str:
        """What its answers depend on besides what it is given; with another manner it may answer otherwise."""
        ...

    def silences(self, samples: "NDArray[np.float32]") -> Sequence[tuple[float, float]]:
        """Return (start_s, end_s) of the stretches in which nobody speaks, in order; breaths are left out."""
        ...

    def languages(self, samples: "NDArray[np.float32]") -> Mapping[str, float]:
        """Return the probability of each language (ISO 639-1) that may be spoken."""
        ...

    def transcribe_all(
        self, pieces: Iterable[tuple["NDArray[np.float32]", str]], *, hints: Sequence[str] = ()
    ) -> Iterator[Sequence[tuple[str, float, float, float]]]:
        """Yield (text, start_s, end_s, confidence) of each word in the order spoken, for each (samples, language).

        The pieces are taken as they are needed, a few ahead. `hints` are names and terms that may be said.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message on its way to its handler."""

    id: int
    topic: str
    body: str
    attempts: int
    """How often it was delivered, this time included."""


class Deliveries(Protocol):
    """The pull side of a bus, for the one machine where nobody pushes messages to handlers."""

    def take(self, *, keys: Collection[str] | None = None) -> Delivery | None:
        """Return a message that is due and hide it for a while, None when there is none.

        `keys` limits it to messages about these jobs. A message that is neither acknowledged nor retried appears again.
        """
        ...

    def acknowledge(self, delivery: Delivery) -> None: ...

    def retry(self, delivery: Delivery, *, after_s: float) -> None:
        """Deliver it again, not before `after_s` has passed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLetter:
    """A dead letter that waits for somebody to look at it."""

    id: str
    letter: DeadLetter
    at: float
    """When it was put aside, in seconds since the epoch."""


class DeadLetters(Protocol):
    """Messages that could not be handled, kept until they are replayed. For the few people who look after Montage."""

    def list(self) -> Sequence[KeptLetter]:
        """Return the letters, oldest first; looking changes nothing."""
        ...

    def replay(self, ids: Collection[str] | None = None) -> Sequence[str]:
        """Publish these letters' bodies, or all, to their topics again, forget the letters and return their ids.

        What is not there any more, and what no handler of ours would take, is passed over.
        """
        ...

    def close(self) -> None: ...


def _no_key() -> bytes:
    raise RuntimeError("there is no server key")


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """Which job requests of other systems are heard; by default none."""

    buckets: frozenset[str] = frozenset()
    """Sources in other buckets are refused."""
    server_key: Callable[[], bytes] = _no_key
    """Returns the secret behind job ids when it is needed; another one makes other jobs of the same requests."""


NOTHING_MAY_BE_REQUESTED = RequestRules()
BUILT_IN_RANKER = BuiltInRanker()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Everything the pipeline reaches for."""

    uploads: ObjectStore
    work: ObjectStore
    downloads: ObjectStore
    jobs: JobStore
    bus: EventBus
    launcher: JobLauncher
    clock: Clock
    limits: Limits
    requests: RequestRules = NOTHING_MAY_BE_REQUESTED
    ranker: HighlightRanker = BUILT_IN_RANKER
