"""The constant frame rate of a reel."""

from fractions import Fraction

from shared.domain.video import Video

WHOLE = (1, 2, 5, 6, 8, 10, 12, 15, 20, 24, 25, 30, 48, 50, 60)
STANDARD = (*(Fraction(rate) for rate in WHOLE), *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60)))
SNAP = Fraction(1, 2500)  # 24 and 23.976 are 1/1000 apart; a header's rounding is far less
LOSSES = Fraction(99, 100)  # an average this little below a standard rate is that rate with frames lost
MAX_DENOMINATOR = 1001


def reel_fps(video: Video, *, max_fps: int) -> Fraction:
    """Return the rate of the reel: the source's own when it is constant, else a standard one that keeps its frames.

    A constant rate within 1/2500 of a standard one becomes it; a variable one becomes the first standard rate that is
    not below 99 % of its average. Rates over `max_fps` are divided by the smallest whole number that fits.
    """
    rate = video.fps if video.fps > 0 else Fraction(25)
    if rate > max_fps:
        rate /= -(-rate // (max_fps * (1 + SNAP)))
    if video.is_variable_rate:
        return min((each for each in STANDARD if each >= rate * LOSSES), default=Fraction(60))
    near = min(STANDARD, key=lambda each: abs(each - rate))
    return near if abs(near - rate) <= near * SNAP else rate.limit_denominator(MAX_DENOMINATOR)
