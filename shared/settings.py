"""Every environment variable Montage reads, once, into a frozen value."""

import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.limits import Limits

_PREFIX = "MONTAGE_"
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_ORIGIN = re.compile(rf"https?://({_HOST.pattern})(:[0-9]{{1,5}})?")
_PUBLIC_URL = re.compile(r"https?://[^/?#\s]+(?:/[^?#\s]*)?")
BEAT_EVERY_S = {"local": 1.0, "gcp": 20.0}  # people watch the first; on the second each write is paid for


def listed(text: str) -> tuple[str, ...]:
    """Return what stands between the commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


class GoogleSettings(BaseSettings):
    """Where things are on Google Cloud. Variables are the field names in upper case behind `MONTAGE_GOOGLE_`."""

    model_config = SettingsConfigDict(
        env_prefix=f"{_PREFIX}GOOGLE_", frozen=True, extra="ignore", populate_by_name=True
    )

    project: str = ""
    region: str = ""
    """Of the Cloud Run jobs, e.g. "europe-west1"."""
    firestore_database: str = "(default)"
    uploads_bucket: str = ""
    work_bucket: str = ""
    downloads_bucket: str = ""
    request_buckets: str = ""
    """Buckets, separated by commas, whose objects other systems may name in job requests."""
    topic_prefix: str = ""
    """Before each topic's name, so that several environments fit into one project."""
    job_prefix: str = "montage-"
    """Before each stage's name: the Cloud Run job of the stage pose is "montage-pose"."""
    upload_signer: str = ""
    """Service account that signs uploads: it may create objects in the uploads bucket and nothing else."""
    download_signer: str = ""
    """Service account that signs downloads: it may read the downloads and the uploads bucket and nothing else."""
    push_audience: str = ""
    """What the tokens of pushes are made for, e.g. "https://montage.example/push"."""
    push_service_account: str = ""
    """Whose tokens those are; nobody else's pushes are handled."""
    push_certs_url: str | None = None
    """Where the certificates are that tokens are checked by; None: Google's own."""
    timeout_s: float = Field(default=20.0, gt=0)
    """For one call; uploads and downloads of objects may take longer, by their size."""
    storage_emulator_host: str | None = Field(default=None, validation_alias="STORAGE_EMULATOR_HOST")
    """As the client libraries read it; so are the next two. E.g. "http://127.0.0.1:9023"."""
    firestore_emulator_host: str | None = Field(default=None, validation_alias="FIRESTORE_EMULATOR_HOST")
    pubsub_emulator_host: str | None = Field(default=None, validation_alias="PUBSUB_EMULATOR_HOST")
    run_emulator_host: str | None = None
    """Cloud Run's client knows no emulator; ours answers here, e.g. "127.0.0.1:9024"."""
    iam_emulator_host: str | None = None
    """Nor does that of IAM, which signs addresses."""

    def as_environment(self) -> Mapping[str, str]:
        """Return the variables that give a child process these very settings."""
        prefix = str(self.model_config["env_prefix"])
        fields = type(self).model_fields
        dumped = self.model_dump(mode="json", exclude_none=True)
        names = {name: str(fields[name].validation_alias or f"{prefix}{name.upper()}") for name in dumped}
        return {names[name]: str(value) for name, value in dumped.items()}


class Settings(BaseSettings):
    """How this process runs. Environment variables are the field names in upper case behind `MONTAGE_`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    cloud: Literal["local", "gcp"] = "local"
    home: Path = Field(default_factory=lambda: platformdirs.user_data_path("montage", appauthor=False))
    """Where records, messages and objects lie on one machine."""
    models: Path = Field(default_factory=lambda: platformdirs.user_cache_path("montage", appauthor=False) / "models")
    """Where model files are cached."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1, le=256)
    """Tasks that run at once on one machine."""
    task_memory_bytes: int = Field(default=2 * 1024**3, ge=256 * 1024**2)
    """A local task that holds more than this is stopped."""
    task_timeout_s: float = Field(default=24 * 3600.0, gt=0)
    """A local task that takes longer than this is stopped; one that stands still stops itself much earlier."""
    beat_every_s: float = Field(default_factory=lambda data: BEAT_EVERY_S[data.get("cloud", "local")], gt=0)
    """How often a task writes its position."""
    watchdog_every_s: float = Field(default=2.0, gt=0)
    encoder_threads: int = Field(default=2, ge=1, le=64)
    """x264's output depends on it, so it is never derived from the machine."""
    max_attempts: int = Field(default=4, ge=1)
    max_source_s: float = Field(default=Limits().max_source_s, gt=0)
    """A longer source is refused as `too_long`."""
    max_source_bytes: int = Field(default=Limits().max_source_bytes, gt=0)
    """A larger source is refused as `too_large`."""

    upload_url_expires_s: int = Field(default=3600, ge=1, le=24 * 3600)
    """How long an upload may be begun after it was asked for; a week later, while an erased job is still remembered, it
    can be completed no more."""
    download_url_expires_s: int = Field(default=3600, ge=1, le=7 * 24 * 3600)
    """How long the address of a download is good for."""
    max_files_per_batch: int = Field(default=100, ge=1, le=1000)
    """Files that one request may announce."""

    server_key: SecretStr | None = None
    """Secret behind the ids of requested jobs, the same in all functions. One machine makes its own."""
    request_folders: str = ""
    """On one machine, "name=folder" separated by commas: gs://name/film.mp4 in a job request is film.mp4 in there."""

    public_url: str = "http://localhost:8080"
    """Where people reach this machine's server: signed addresses of its objects begin with it."""
    disk_reserve_bytes: int = Field(default=1024**3, ge=0)
    """On one machine, uploads that would leave less of the disk free are refused as `disk_full`."""
    require_keys: bool | None = None
    """Whether callers of the API must show a key; None: on Google Cloud, but not on one machine."""
    requests_per_minute: int = Field(default=600, ge=0)
    """What one key, or one address without a key that counts, may ask of one process, where keys are asked for; 0: as
    much as it likes."""
    allowed_origins: str = ""
    """Other sites' origins, separated by commas, whose pages may call the API, e.g. "https://club.example"."""
    allowed_hosts: str = ""
    """Names, separated by commas, under which the API answers; one machine always answers to localhost."""

    google: GoogleSettings = Field(default_factory=lambda: GoogleSettings())
    """What only Google Cloud needs."""

    @property
    def folders_of_requests(self) -> Mapping[str, Path]:
        """Folders by the bucket names under which other programs name them."""
        pairs = [each.partition("=") for each in listed(self.request_folders)]
        return {name.strip(): Path(folder.strip()) for name, _, folder in pairs}

    @property
    def needs_keys(self) -> bool:
        """Whether callers of the API must show a key."""
        return self.cloud == "gcp" if self.require_keys is None else self.require_keys

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, text: str) -> str:
        if not _PUBLIC_URL.fullmatch(text):
            raise ValueError(f"{text} is no address of a server: the form is http://montage.example:8080")
        return text

    @field_validator("allowed_origins")
    @classmethod
    def _check_origins(cls, text: str) -> str:
        for each in listed(text):
            if not _ORIGIN.fullmatch(each):
                raise ValueError(f"{each} is no origin: the form is https://club.example, a port behind it if need be")
        return text.lower()

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, text: str) -> str:
        for each in listed(text):
            if not _HOST.fullmatch(each):
                raise ValueError(f"{each} is no host's name: the form is montage.example, without a port")
        return text.lower()

    @field_validator("request_folders")
    @classmethod
    def _check_request_folders(cls, text: str) -> str:
        for each in listed(text):
            name, _, folder = each.partition("=")
            if not (name.strip() and folder.strip()):
                raise ValueError("the form is name=folder,name=folder")
        return text

    @property
    def threads_per_task(self) -> int:
        """The machine's cores shared out among the tasks that run at once: one in a container of the cloud's."""
        return max(1, (os.cpu_count() or 1) // (1 if self.cloud == "gcp" else self.workers))

    @property
    def limits(self) -> Limits:
        """One machine launches in milliseconds and loses no message, so it need not be as patient as a cloud."""
        asked = Limits(
            max_attempts=self.max_attempts, max_source_s=self.max_source_s, max_source_bytes=self.max_source_bytes
        )
        if self.cloud == "gcp":
            return asked
        return replace(
            asked,
            launching_s=10.0,
            request_lost_s=20.0,
            start_within_s=7 * 24 * 3600.0,  # our own launcher starts whatever waits, other videos' tasks first
            deadline_base_s=7 * 24 * 3600.0,  # a thousand videos wait for one another
        )

    def as_environment(self) -> Mapping[str, str]:
        """Return the variables that give a child process these very settings, but for secrets: tasks need none."""
        dumped: dict[str, Any] = self.model_dump(mode="json", exclude={"google", "server_key"}, exclude_none=True)
        own = {f"{_PREFIX}{name.upper()}": str(value) for name, value in dumped.items()}
        return {**own, **self.google.as_environment()}
