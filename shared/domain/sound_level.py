"""How loud the sound of a source is over time."""

from dataclasses import dataclass

LEVEL_STEP_S = 0.1
SILENCE_DB = -100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLevel:
    """The level of one step of the sound, `LEVEL_STEP_S` long, or shorter where a unit's border lies in it."""

    start_s: float
    """In source time; the next level's start is this one's end."""
    level_db: float
    """RMS of mono 16 kHz samples in [-1, 1], in dB below full scale: 0 is the most, `SILENCE_DB` is silence."""
