"""Small records for tests, with numbers that can be checked in the head."""

from fractions import Fraction
from typing import Any

from shared.domain.job import Job, Source
from shared.domain.options import Options
from shared.domain.video import Video

JOB_ID = "abcdefghijklmnopqrstuvwxyz"


def a_video(**changed: Any) -> Video:
    """Return 25 seconds of 320 × 180 at 30 fps."""
    fields: dict[str, Any] = {
        "container": "mov,mp4", "duration_s": 25.0, "start_s": 0.0, "stream_index": 0, "codec": "h264",
        "pixel_format": "yuv420p", "coded_width": 320, "coded_height": 180, "width": 320, "height": 180,
        "fps": Fraction(30), "is_variable_rate": False, "rotation_deg": 0, "is_mirrored": False,
        "sample_aspect_ratio": Fraction(1),
    }  # fmt: skip
    return Video(**{**fields, **changed})


def a_job(**changed: Any) -> Job:
    """Return a job that awaits its upload."""
    fields: dict[str, Any] = {
        "id": JOB_ID, "source": Source(file_name="ride.mp4"), "options": Options(), "created_at": 1000.0,
    }  # fmt: skip
    return Job(**{**fields, **changed})
