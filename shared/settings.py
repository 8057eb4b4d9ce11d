"""Every environment variable Montage reads, once, into a frozen value."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.domain.limits import Limits

_PREFIX = "MONTAGE_"


class Settings(BaseSettings):
    """How this process runs. Environment variables are the field names in upper case behind `MONTAGE_`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="ignore")

    cloud: Literal["local"] = "local"
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
    beat_every_s: float = Field(default=1.0, gt=0)
    """How often a task writes its position; 20 s is right where a write costs money."""
    watchdog_every_s: float = Field(default=2.0, gt=0)
    encoder_threads: int = Field(default=2, ge=1, le=64)
    """x264's output depends on it, so it is never derived from the machine."""
    max_attempts: int = Field(default=4, ge=1)
    max_source_s: float = Field(default=Limits().max_source_s, gt=0)
    """A longer source is refused as `too_long`."""
    max_source_bytes: int = Field(default=Limits().max_source_bytes, gt=0)
    """A larger source is refused as `too_large`."""

    @property
    def threads_per_task(self) -> int:
        """The machine's cores shared out among the tasks that run at once."""
        return max(1, (os.cpu_count() or 1) // self.workers)

    @property
    def limits(self) -> Limits:
        """One machine launches in milliseconds and loses no message, so it need not be as patient as a cloud."""
        return Limits(
            max_attempts=self.max_attempts,
            max_source_s=self.max_source_s,
            max_source_bytes=self.max_source_bytes,
            launching_s=10.0,
            request_lost_s=20.0,
            deadline_base_s=7 * 24 * 3600.0,  # a thousand videos wait for one another
        )

    def as_environment(self) -> Mapping[str, str]:
        """Return the variables that give a child process these very settings."""
        dumped: dict[str, Any] = self.model_dump(mode="json")
        return {f"{_PREFIX}{name.upper()}": str(value) for name, value in dumped.items()}
