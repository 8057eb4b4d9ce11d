"""Where another system's film lies: gs://bucket/name."""

import re
from dataclasses import dataclass

from shared.domain.object_path import checked_parts

_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceAddress:
    """An object in a bucket that is not ours."""

    bucket: str
    name: str

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"

    @property
    def file_name(self) -> str:
        return self.name.rpartition("/")[2]


def source_address(text: str) -> SourceAddress:
    """Return the address in a text. Raises ValueError for one that no bucket or object can have."""
    bucket, slash, name = text.removeprefix("gs://").partition("/")
    if not text.startswith("gs://") or not slash:
        raise ValueError(f"{text[:80]!r} is not of the form gs://bucket/name")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"no bucket can be called {bucket[:80]!r}: a name has 3 to 222 of a-z, 0-9, dots, _ and -")
    checked_parts(name)
    return SourceAddress(bucket=bucket, name=name)
