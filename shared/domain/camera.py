"""How the camera's own movement shifts, turns and zooms the picture from one step to the next."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Where what stands still in the picture gets to: turned and zoomed about the top left corner, then shifted."""

    x: float = 0.0
    """Shift to the right, in picture heights."""
    y: float = 0.0
    """Shift down, in picture heights."""
    turn: float = 0.0
    """Clockwise as seen, in radians."""
    zoom: float = 0.0
    """How much larger things become: 0.01 is 1 %."""

    @staticmethod
    def from_matrix(matrix: NDArray[np.float64], *, height: int) -> "Camera":
        """Return what a matrix of shape (2, 3) does (turn and zoom, shift), in pixels of a picture of that height."""
        across, down = float(matrix[0, 0]), float(matrix[1, 0])
        return Camera(
            x=float(matrix[0, 2]) / height,
            y=float(matrix[1, 2]) / height,
            turn=math.atan2(down, across),
            zoom=math.hypot(across, down) - 1,
        )

    def matrix(self, height: int) -> NDArray[np.float32]:
        """Return the matrix of shape (2, 3) that moves pixels of a picture of that height so."""
        across, down = self._turned_and_zoomed
        return np.array([[across, -down, self.x * height], [down, across, self.y * height]], np.float32)

    def moved(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point gets to, in picture heights from the top left corner."""
        across, down = self._turned_and_zoomed
        return across * x - down * y + self.x, down * x + across * y + self.y

    def reach(self, aspect: float) -> float:
        """Return how far the farthest corner of a picture gets, in picture heights; `aspect` is width by height."""
        corners = ((0.0, 0.0), (aspect, 0.0), (0.0, 1.0), (aspect, 1.0))
        return max(math.dist(corner, self.moved(*corner)) for corner in corners)

    @property
    def rounded(self) -> "Camera":
        """The same to a hundred-thousandth, as it is stored."""
        return Camera(x=round(self.x, 5), y=round(self.y, 5), turn=round(self.turn, 5), zoom=round(self.zoom, 5))

    @property
    def _turned_and_zoomed(self) -> tuple[float, float]:
        return (1 + self.zoom) * math.cos(self.turn), (1 + self.zoom) * math.sin(self.turn)


STILL = Camera()
