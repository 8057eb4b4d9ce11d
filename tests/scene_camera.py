"""Where a camera looks: on a tripod, held by hand, panned, whipped round, following somebody.

The world is a plane measured in pixels of the picture at zoom 1; the camera's x and y are what its middle shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Track = NDArray[np.float64]
"""One value per picture."""


@dataclass(frozen=True, kw_only=True)
class Camera:
    """The camera's way, picture by picture."""

    x: Track
    y: Track
    zoom: Track
    roll_deg: Track

    def __post_init__(self) -> None:
        assert len(self.x) == len(self.y) == len(self.zoom) == len(self.roll_deg)

    def view(self, picture: int, size: tuple[int, int]) -> NDArray[np.float64]:
        """Return the 2x3 matrix from the world into a picture of that width and height."""
        turn = np.deg2rad(self.roll_deg[picture])
        across, down = self.zoom[picture] * np.cos(turn), self.zoom[picture] * np.sin(turn)
        x, y = self.x[picture], self.y[picture]
        return np.array(
            [
                [across, -down, size[0] / 2 - across * x + down * y],
                [down, across, size[1] / 2 - down * x - across * y],
            ]
        )


def tripod(count: int, *, x: float = 0.0, y: float = 0.0, zoom: float = 1.0) -> Camera:
    """Return a camera that stands still."""
    return Camera(x=np.full(count, x), y=np.full(count, y), zoom=np.full(count, zoom), roll_deg=np.zeros(count))


def shaken(camera: Camera, rng: np.random.Generator, *, height: int, rate_hz: float, much: float = 1.0) -> Camera:
    """Return the camera held by hand: at `much` 1 about ±2 % of the height, ±0.7° and ±1 % of zoom, at 0.3 to 5 Hz."""

    def some(size: float) -> Track:
        return size * much * _tremble(len(camera.x), rng, rate_hz)

    return replace(
        camera,
        x=camera.x + some(0.02 * height),
        y=camera.y + some(0.02 * height),
        zoom=camera.zoom * (1 + some(0.01)),
        roll_deg=camera.roll_deg + some(0.7),
    )


def panned(camera: Camera, moves: Sequence[tuple[float, float, float]], *, width: int, rate_hz: float) -> Camera:
    """Return the camera turned sideways: moves are (start_s, end_s, picture widths per second, leftwards below 0)."""
    speed = np.zeros(len(camera.x))
    for start_s, end_s, widths_per_s in moves:
        speed[round(start_s * rate_hz) : round(end_s * rate_hz)] = widths_per_s * width
    return replace(camera, x=camera.x + np.cumsum(softened(speed, 0.12 * rate_hz)) / rate_hz)


def softened(values: Track, pictures: float) -> Track:
    """Return the values without jerks: a bell of that spread lies over them."""
    reach = max(1, round(3 * pictures))
    bell = np.exp(-0.5 * (np.arange(-reach, reach + 1) / pictures) ** 2)
    return np.convolve(np.pad(values, reach, mode="edge"), bell / bell.sum(), mode="valid")


def _tremble(count: int, rng: np.random.Generator, rate_hz: float) -> Track:
    """Return a smooth random unrest within about ±1."""
    at_s = np.arange(count) / rate_hz
    unrest = np.zeros(count)
    for hz in rng.uniform(0.3, 5.0, 14):
        unrest += rng.uniform(0.5, 1.0) / hz**0.8 * np.sin(2 * np.pi * (hz * at_s + rng.uniform()))
    return unrest / (2.5 * float(unrest.std()) + 1e-9)
