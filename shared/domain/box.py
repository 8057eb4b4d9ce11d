"""A part of the picture."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle in shares of the picture: 0 is left or top, 1 is right or bottom."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def area(self) -> float:
        """Share of the picture it covers."""
        return max(0.0, self.right - self.left) * max(0.0, self.bottom - self.top)

    @property
    def rounded(self) -> "Box":
        """The same to a thousandth, as it is stored."""
        return Box(
            left=round(self.left, 3), top=round(self.top, 3), right=round(self.right, 3), bottom=round(self.bottom, 3)
        )

    @property
    def middle(self) -> "Box":
        """Its middle, a box without extent."""
        x, y = (self.left + self.right) / 2, (self.top + self.bottom) / 2
        return Box(left=x, top=y, right=x, bottom=y)

    def scaled(self, across: float, down: float) -> "Box":
        """Return the box in other units: so many of them a unit of this one."""
        return Box(left=self.left * across, top=self.top * down, right=self.right * across, bottom=self.bottom * down)

    def grown(self, across: float, down: float) -> "Box":
        """Return the box with that much more on each side, cut at the picture's edges."""
        return Box(
            left=max(0.0, self.left - across),
            top=max(0.0, self.top - down),
            right=min(1.0, self.right + across),
            bottom=min(1.0, self.bottom + down),
        )

    def meets(self, other: "Box") -> bool:
        """Return whether the two share a point."""
        return (
            self.left <= other.right
            and other.left <= self.right
            and self.top <= other.bottom
            and other.top <= self.bottom
        )

    def holds(self, other: "Box") -> bool:
        """Return whether the other lies inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.top <= other.top
            and other.bottom <= self.bottom
        )
