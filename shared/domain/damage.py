"""How much of a source's picture can be decoded, and whether that is enough for a reel."""

from collections.abc import Iterable
from dataclasses import dataclass

LEAST_SHARE = 0.5  # of the picture has to be decodable ...
LEAST_S = 1.0  # ... and so many seconds of it; less is no video any more
UNTOLD_S = 0.5  # headers promise a frame or two too many; so much may be missing without an error and without a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """What came of decoding a stretch of the source, counted on the sampling grid."""

    expected: int = 0
    """Steps of the grid in the stretch."""
    lost: int = 0
    """Of those, the ones without a frame of their own time."""
    errors: int = 0
    """Complaints of the demuxer and the decoder; one place may give several."""
    last_error: str = ""


def together(parts: Iterable[Decoded]) -> Decoded:
    """Return what came of all the stretches."""
    each = tuple(parts)
    return Decoded(
        expected=sum(part.expected for part in each),
        lost=sum(part.lost for part in each),
        errors=sum(part.errors for part in each),
        last_error=next((part.last_error for part in each if part.last_error), ""),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A source's picture in seconds: how much there should be, and how much cannot be shown."""

    whole_s: float
    lost_s: float
    has_errors: bool

    @property
    def is_damaged(self) -> bool:
        return self.has_errors or self.lost_s >= UNTOLD_S

    @property
    def is_hopeless(self) -> bool:
        """Whether too little is left for a reel."""
        left_s = self.whole_s - self.lost_s
        return self.is_damaged and (left_s < LEAST_S or left_s < LEAST_SHARE * self.whole_s)


def loss_of(decoded: Decoded, *, step_s: float, lost_before_s: float) -> Loss:
    """Return what is lost; `lost_before_s` is picture before source time 0, which is when the first frame comes on."""
    return Loss(
        whole_s=lost_before_s + decoded.expected * step_s,
        lost_s=lost_before_s + decoded.lost * step_s,
        has_errors=decoded.errors > 0 or lost_before_s > 0,
    )
