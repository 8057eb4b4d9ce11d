"""Somebody announces files: make a batch with a job for each, and say how each is to be uploaded."""

import base64
import hashlib
import json
import logging
import re
import secrets
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial

from shared.domain.batch import Batch
from shared.domain.job import Job, JobState, Source
from shared.domain.object_names import source
from shared.domain.options import Options
from shared.domain.record import to_dict
from shared.domain.requested_job import requested_batch_ids
from shared.errors import BadRequest, NotFound
from shared.log import event
from shared.ports import Cloud, SignedUpload, UrlSigner

log = logging.getLogger(__name__)

REQUEST_LABEL = "montage.request"
"""Of a batch: the hash of what was asked for with its idempotency key."""
LONGEST_NAME = 255
SIGNED_AT_ONCE = 8  # a client of Google's keeps ten connections
TYPES = re.compile(r"(?:video|audio)/[a-z0-9][a-z0-9!#$&^_.+-]{0,99}|application/(?:mxf|octet-stream)")
"""Media, and what browsers call a file whose ending they do not know."""
NOT_IN_NAMES = ("Cc", "Cs", "Zl", "Zp")
"""Control characters, halves of characters, and what ends a line."""
TURNING = {*map(chr, range(0x202A, 0x202F)), *map(chr, range(0x2066, 0x206A))}
"""Turn the reading direction, so that "gpj.exe" can look like "exe.jpg"; mere marks of it are in honest names, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedFile:
    """A file as its owner describes it before a byte of it is sent."""

    name: str
    """Metadata only; of a path its last part."""
    size_bytes: int
    content_type: str
    """Without parameters, in lower case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadsWanted:
    """What somebody wants to upload, and what is to be made of it."""

    files: Sequence[AnnouncedFile]
    options: Options = field(default_factory=Options)
    labels: Mapping[str, str] = field(default_factory=dict)
    is_resumable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunUpload:
    """A file's job and the request that begins its upload."""

    job_id: str
    file: AnnouncedFile
    state: JobState | None
    """Of the job; None when it was erased since it was first asked for."""
    upload: SignedUpload | None
    """None when the file has arrived, or is not awaited any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunBatch:
    """A batch and its uploads, in the order they were asked for."""

    batch_id: str
    uploads: tuple[BegunUpload, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileError:
    """What is wrong with one announced file."""

    file: int
    """Its place in the request, from 0."""
    code: str
    detail: str


class BadFiles(BadRequest):
    """Some of the announced files cannot be taken; nothing was made of the others either."""

    def __init__(self, errors: Sequence[FileError]) -> None:
        codes = {error.code for error in errors}
        more = f" And {len(errors) - 1} more of the files cannot be taken." if len(errors) > 1 else ""
        super().__init__(codes.pop() if len(codes) == 1 else "bad_files", errors[0].detail + more)
        self.errors = tuple(errors)

    def __reduce__(self) -> tuple[type["BadFiles"], tuple[tuple[FileError, ...]]]:  # type: ignore[override]
        return type(self), (self.errors,)


def announced(*, name: str, size_bytes: int, content_type: str) -> AnnouncedFile:
    """Return the file by the last part of its name, with a type as it is written in headers: nothing is checked."""
    plain_type = content_type.partition(";")[0].strip().lower()
    return AnnouncedFile(name=re.split(r"[/\\]", name)[-1], size_bytes=size_bytes, content_type=plain_type)


def begin_uploads(
    cloud: Cloud,
    signer: UrlSigner,
    wanted: UploadsWanted,
    *,
    owner: str,
    idempotency_key: str | None,
    expires_s: int,
    max_files: int,
) -> BegunBatch:
    """Make the batch and its jobs, once for an idempotency key, and return how each file is uploaded.

    The same request again returns the same jobs with fresh addresses, and makes nothing: so a job that was erased stays
    erased. Raises BadFiles, BadRequest `too_many_files`, `idempotency_key_reused` and `erased` before anything is made.
    """
    _check(wanted.files, most=max_files, most_bytes=cloud.limits.max_source_bytes)
    batch_id, job_ids = _ids(cloud, owner, idempotency_key, len(wanted.files))
    sign = partial(_signed, signer, is_resumable=wanted.is_resumable, expires_s=expires_s)
    if (batch := _found(cloud, batch_id)) is None:
        uploads = _all_signed(sign, list(zip(job_ids, wanted.files, strict=True)))
        batch = _made(cloud, wanted, owner=owner, batch_id=batch_id, job_ids=job_ids)
        return BegunBatch(
            batch_id=batch.id,
            uploads=tuple(
                BegunUpload(job_id=job_id, file=file, state="awaiting_upload", upload=upload)
                for job_id, file, upload in zip(job_ids, wanted.files, uploads, strict=True)
            ),
        )
    _check_same(batch, wanted)
    states = [_state(cloud, job_id) for job_id in job_ids]  # erased ones are not in the batch any more
    asked = list(zip(job_ids, wanted.files, states, strict=True))
    awaited = [(job_id, file) for job_id, file, state in asked if state == "awaiting_upload"]
    signed = dict(zip((job_id for job_id, _ in awaited), _all_signed(sign, awaited), strict=True))
    return BegunBatch(
        batch_id=batch_id,
        uploads=tuple(
            BegunUpload(job_id=job_id, file=file, state=state, upload=signed.get(job_id))
            for job_id, file, state in asked
        ),
    )


def _check(files: Sequence[AnnouncedFile], *, most: int, most_bytes: int) -> None:
    if len(files) > most:
        sentence = (
            f"{len(files)} files were announced; {most} are the most in one batch. Ask for the others in another."
        )
        raise BadRequest("too_many_files", sentence)
    errors = [
        FileError(file=number, code=code, detail=f"File {number}: {sentence}")
        for number, file in enumerate(files)
        for code, sentence in _faults(file, most_bytes)
    ]
    if errors:
        raise BadFiles(errors)


def _faults(file: AnnouncedFile, most_bytes: int) -> Iterator[tuple[str, str]]:
    is_odd = any(unicodedata.category(char) in NOT_IN_NAMES or char in TURNING for char in file.name)
    if is_odd or not 1 <= len(file.name) <= LONGEST_NAME or file.name in (".", ".."):
        rule = f"its name, without folders, must have 1 to {LONGEST_NAME} characters, none of them a control character"
        yield "bad_name", f"{rule}."
    if file.size_bytes < 1:
        yield "empty_file", "it is empty."
    if file.size_bytes > most_bytes:
        yield "too_large", f"it has {file.size_bytes} bytes; {most_bytes} are the most."
    if not TYPES.fullmatch(file.content_type):
        sentence = "its type must be video/*, audio/*, application/mxf or application/octet-stream"
        yield "wrong_type", f"{sentence}, not {file.content_type[:80]!a}."


def _ids(cloud: Cloud, owner: str, idempotency_key: str | None, files: int) -> tuple[str, tuple[str, ...]]:
    if idempotency_key is None:
        return _new_id(), tuple(_new_id() for _ in range(files))
    return requested_batch_ids(cloud.requests.server_key(), owner=owner, request_id=idempotency_key, files=files)


def _new_id() -> str:
    return base64.b32encode(secrets.token_bytes(17)).decode().lower()[:26]


def _found(cloud: Cloud, batch_id: str) -> Batch | None:
    try:
        return cloud.jobs.get_batch(batch_id)
    except NotFound:
        return None


def _there(cloud: Cloud, job_id: str) -> Job:
    try:
        return cloud.jobs.get(job_id)
    except NotFound as error:
        raise BadRequest(
            "erased", "What was asked for with this Idempotency-Key was erased; take a new one."
        ) from error


def _state(cloud: Cloud, job_id: str) -> JobState | None:
    try:
        return cloud.jobs.get(job_id).state
    except NotFound:
        return None


def _all_signed(
    sign: Callable[[str, AnnouncedFile], SignedUpload], asked: Sequence[tuple[str, AnnouncedFile]]
) -> list[SignedUpload]:
    """Return the files' uploads in their order.

    On a cloud each is a call, so several are made at a time; the first goes alone, as it may fetch a token for them all
    or fail for them all.
    """
    signed = [sign(*each) for each in asked[:1]]
    others = asked[1:]
    if others:
        with ThreadPoolExecutor(min(SIGNED_AT_ONCE, len(others)), thread_name_prefix="sign") as pool:
            contexts = [copy_context() for _ in others]  # what is bound to the log
            signed += pool.map(lambda context, each: context.run(sign, *each), contexts, others)
    return signed


def _signed(signer: UrlSigner, job_id: str, file: AnnouncedFile, *, is_resumable: bool, expires_s: int) -> SignedUpload:
    sign = signer.resumable_upload if is_resumable else signer.single_upload
    return sign(source(job_id), content_type=file.content_type, max_bytes=file.size_bytes, expires_s=expires_s)


def _made(cloud: Cloud, wanted: UploadsWanted, *, owner: str, batch_id: str, job_ids: tuple[str, ...]) -> Batch:
    """Make the jobs and then the batch: where there is a batch, all of its jobs were made, and are not made again."""
    now = cloud.clock()
    for job_id, file in zip(job_ids, wanted.files, strict=True):
        job = Job(
            id=job_id,
            source=Source(file_name=file.name, declared_bytes=file.size_bytes, content_type=file.content_type),
            options=wanted.options,
            created_at=now,
            owner=owner,
            batch=batch_id,
            labels=dict(wanted.labels),
        )
        if not cloud.jobs.create(job):  # whoever asked first was stopped half-way, or asks at this moment
            _check_same_job(_there(cloud, job_id), job)
    labels = {**wanted.labels, REQUEST_LABEL: _digest(wanted)}
    batch = Batch(id=batch_id, owner=owner, created_at=now, job_ids=job_ids, labels=labels)
    if not cloud.jobs.create_batch(batch):
        batch = cloud.jobs.get_batch(batch_id)
        _check_same(batch, wanted)
        return batch
    log.info("%d uploads asked for", len(job_ids), extra=event("uploads_begun", batch=batch_id, files=len(job_ids)))
    return batch


def _check_same(batch: Batch, wanted: UploadsWanted) -> None:
    if batch.labels.get(REQUEST_LABEL) != _digest(wanted):
        raise _reused()


def _check_same_job(there: Job, job: Job) -> None:
    names = ("file_name", "declared_bytes", "content_type")
    is_same = all(getattr(there.source, name) == getattr(job.source, name) for name in names)
    if not (is_same and there.options == job.options and dict(there.labels) == dict(job.labels)):
        raise _reused()


def _reused() -> BadRequest:
    sentence = "Something else was asked for with this Idempotency-Key; a key stands for one body. Take a new one."
    return BadRequest("idempotency_key_reused", sentence)


def _digest(wanted: UploadsWanted) -> str:
    return hashlib.sha256(json.dumps(to_dict(wanted), sort_keys=True).encode()).hexdigest()
