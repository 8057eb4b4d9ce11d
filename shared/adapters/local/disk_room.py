"""How full the disk may become: some of it stays free, so that jobs that run can write what they make."""

import shutil
from pathlib import Path

from shared.errors import TryAgain


def demand_room(place: Path, more_bytes: int, *, reserve_bytes: int) -> None:
    """Raise TryAgain `disk_full` if so many bytes more would leave less than the reserve of the place's disk."""
    while not place.exists():
        place = place.parent
    free_bytes = shutil.disk_usage(place).free
    if free_bytes - more_bytes < reserve_bytes:
        raise TryAgain(
            f"The disk is too full: {free_bytes / 1e9:,.1f} GB are free, {more_bytes / 1e9:,.1f} GB are to come, and "
            f"{reserve_bytes / 1e9:,.1f} GB must stay free.",
            code="disk_full",
        )
