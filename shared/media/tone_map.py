"""HDR to SDR: a cube of colours that libav's `lut3d` looks up, so that any mapping costs the same few milliseconds.

What the mapping does, and what was compared with it, is told in docs/decisions/0015.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

Colours = NDArray[np.float64]
"""Red, green and blue along the last axis."""

PQ, HLG = 16, 18  # SMPTE 2084 and ARIB B67, as AVColorTransferCharacteristic
HDR_CURVES = (PQ, HLG)
POINTS = 33  # of the cube along each side; 65 changed no test colour by more than a code value and took longer
WHITE_NITS = 203.0  # paper white in HDR (ITU-R BT.2408)
PEAK_NITS = {PQ: 4000.0, HLG: 1000.0}  # becomes SDR's white: the brightest that studios grade to; HLG's own peak
KNEE = 0.2  # of paper white: darker light stays as it is
SDR_GAMMA = 2.4  # of the screen SDR is made for (ITU-R BT.1886)
TO_BT709 = np.array(  # linear light, from BT.2020 (ITU-R BT.2407)
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
)
BT2020_LUMA, BT709_LUMA = np.array([0.2627, 0.6780, 0.0593]), np.array([0.2126, 0.7152, 0.0722])


def to_sdr(signal: Colours, *, curve: int, is_wide: bool = True) -> Colours:
    """Return SDR signals (BT.709, in [0, 1]) for HDR ones in [0, 1]; `is_wide` for BT.2020 primaries.

    The brightest of the three is mapped and the others keep their relation to it, so that hues stay.
    """
    light = (_pq_nits(signal) if curve == PQ else _hlg_nits(signal)) / WHITE_NITS
    brightest = np.maximum(light.max(axis=-1, keepdims=True), 1e-6)
    shown = light * (_compressed(brightest, PEAK_NITS[curve] / WHITE_NITS) / brightest)
    shown = _in_gamut(shown @ TO_BT709.T if is_wide else shown)
    return np.asarray(shown ** (1 / SDR_GAMMA))


@contextmanager
def cube_file(*, curve: int, is_wide: bool) -> Iterator[Path]:
    """Write the mapping as a `.cube` for as long as the block lasts; `lut3d` reads it when it is built."""
    with TemporaryDirectory(prefix="montage-tones-") as folder:
        path = Path(folder) / "hdr.cube"
        path.write_text(_cube(curve, is_wide), encoding="ascii")
        yield path


@cache
def _cube(curve: int, is_wide: bool) -> str:
    steps = np.linspace(0.0, 1.0, POINTS)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")  # red changes fastest
    colours = to_sdr(np.stack([red, green, blue], axis=-1), curve=curve, is_wide=is_wide).reshape(-1, 3)
    return f"LUT_3D_SIZE {POINTS}\n" + "".join(f"{r:.6f} {g:.6f} {b:.6f}\n" for r, g, b in colours.tolist())


def _pq_nits(signal: Colours) -> Colours:
    root = signal ** (1 / 78.84375)
    return np.asarray(
        10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    )


def _hlg_nits(signal: Colours) -> Colours:
    """Return what a screen of 1000 nits shows (ITU-R BT.2100, system gamma 1.2)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((np.maximum(signal, 0.5) - c) / a) + b) / 12)
    luma = np.maximum(scene @ BT2020_LUMA, 1e-9)[..., None]
    return np.asarray(1000 * luma**0.2 * scene)


def _compressed(light: Colours, peak: float) -> Colours:
    """Return the light in [0, 1]: as it is up to the knee, then a hyperbola of the same slope that ends at the peak."""
    a = -(KNEE**2) * (peak - 1) / (KNEE**2 - 2 * KNEE + peak)
    b = (KNEE**2 - 2 * KNEE * peak + peak) / (peak - 1)
    bent = (b**2 + 2 * b * KNEE + KNEE**2) / (b - a) * (light + a) / (light + b)
    return np.asarray(np.where(light <= KNEE, light, np.minimum(bent, 1.0)))


def _in_gamut(light: Colours) -> Colours:
    """Return the light without what is below 0, and mixed with grey of its own brightness until nothing is above 1.

    Mixing for what is below 0 too made BT.2020's red pink and its green turquoise.
    """
    light = np.maximum(light, 0.0)
    grey = np.minimum(light @ BT709_LUMA, 1.0)[..., None]
    away = light - grey
    fits = (1 - grey) / np.maximum(away.max(axis=-1, keepdims=True), 1e-9)
    return np.asarray(np.clip(grey + away * np.minimum(1.0, fits), 0.0, 1.0))
