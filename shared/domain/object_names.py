"""Every object's name, built and parsed here only. User file names never become object names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

Bucket = Literal["uploads", "work", "downloads"]

_SOURCE = re.compile(r"uploads/([a-z2-7]{26})/source")  # a job id is 26 characters of base32, 130 bits


def source(job_id: str) -> str:
    return f"uploads/{job_id}/source"


def job_of_source(name: str) -> str | None:
    """Return the job an uploaded object belongs to, None when the name is not one of ours."""
    match = _SOURCE.fullmatch(name)
    return match.group(1) if match else None


def run_list(job_id: str, stage: str, run_id: str) -> str:
    """Return where a run's chunk numbers are written before it is launched."""
    return f"work/{job_id}/{stage}/runs/{run_id}.json"


def chunk_part(job_id: str, stage: str, index: int, lease: str) -> str:
    """Return where the holder of a lease writes its part; `finish_chunk` names the winner."""
    return f"work/{job_id}/{stage}/{index:05d}.{lease}.json"


def spoken_language(job_id: str) -> str:
    """Return where the first task that found the source's language tells the others."""
    return f"work/{job_id}/transcribe/language.json"


def heard_speech(digest: str) -> str:
    """Return where it lies what was recognised in a piece of sound, whichever job it came with."""
    return f"work/heard/{digest}.json"


def heard_for(job_id: str, digest: str) -> str:
    """Return where it is noted that a job has used what was recognised in a piece of sound."""
    return f"{_heard_for(job_id)}{digest}.json"


def digests_heard_for(job_id: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the digests that were noted for a job, of the names of its objects in the work bucket."""
    for name in names:
        if name.startswith(_heard_for(job_id)):
            yield name.removeprefix(_heard_for(job_id)).removesuffix(".json")


def _heard_for(job_id: str) -> str:
    return f"work/{job_id}/transcribe/heard/"


def everything_of(job_id: str) -> Mapping[Bucket, str]:
    """Return the prefix, by bucket, below which all objects of a job lie. Raises ValueError for an id that is none."""
    if not job_id or "/" in job_id or job_id == "heard":  # that one lies where jobs have their folders
        raise ValueError(f"{job_id!r} is no job's id")
    return {"uploads": f"uploads/{job_id}/", "work": f"work/{job_id}/", "downloads": f"downloads/{job_id}/"}


def given_edit_list(job_id: str, revision: int, *, token: str | None = None) -> str:
    """Return where the edit list lies that somebody asked for, as they gave it.

    The token tells apart those of several people who ask for the same revision; the job's record names the winner's.
    """
    return f"work/{job_id}/edit_lists/{revision}.{f'{token}.' if token else ''}given.json"


def edit_list(job_id: str, revision: int) -> str:
    """Return where the edit list lies that is rendered, snapped to keyframes where the picture is copied."""
    return f"work/{job_id}/edit_lists/{revision}.json"


def artifact(job_id: str, revision: int, file_name: str) -> str:
    return f"downloads/{job_id}/r{revision}/{file_name}"
