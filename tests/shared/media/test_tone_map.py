"""HDR pictures become SDR ones: whites, hues and highlights, through the filters that a reel's frames go through."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.media.tone_map import BT2020_LUMA, HLG, PQ, TO_BT709, to_sdr
from tests.shared.media.test_painter import COLOURS, LUMA, Kind, middles, painted, picture

Light = NDArray[np.float64]
CURVES = (PQ, HLG)


def signal(nits: Light, curve: int) -> tuple[float, float, float]:
    """Return the HDR signal (R'G'B') of light as a screen of 1000 nits shows it."""
    nits = np.maximum(nits, 0)
    if curve == PQ:
        power = (nits / 10_000) ** 0.1593017578125
        made = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        brightness = max(float(nits @ BT2020_LUMA), 1e-6) / 1000
        scene = nits / 1000 * brightness ** (-0.2 / 1.2)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        made = np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    return (float(made[0]), float(made[1]), float(made[2]))


def shown(nits: list[Light], curve: int) -> Light:
    """Return the SDR signals (R'G'B') that come out of the painter for HDR light (BT.2020)."""
    kind = Kind(pixel_format="yuv420p10le", matrix=9, primaries=9, curve=curve)
    made = middles(painted(picture(kind, [signal(each, curve) for each in nits])), len(nits))
    luma, to_blue, to_red = (made[:, 0] - 16) / 219, (made[:, 1] - 128) / 224, (made[:, 2] - 128) / 224
    red, blue = LUMA[1]
    r, b = luma + to_red * (2 - 2 * red), luma + to_blue * (2 - 2 * blue)
    return np.stack([r, (luma - red * r - blue * b) / (1 - red - blue), b], axis=-1)


def as_bt2020(rgb: tuple[float, float, float], white_nits: float) -> Light:
    """Return the light of an SDR colour on a screen with that white."""
    return np.asarray(np.linalg.inv(TO_BT709) @ np.array(rgb) ** 2.4 * white_nits)


@pytest.mark.parametrize("curve", CURVES)
def test_paper_white_is_bright_and_greys_stay_grey(curve: int) -> None:
    greys = shown([np.full(3, nits) for nits in (0.0, 26.0, 203.0, 1000.0)], curve)
    assert np.ptp(greys, axis=1).max() < 0.02
    assert greys[0].mean() == pytest.approx(0, abs=0.01)
    assert 0.38 < greys[1].mean() < 0.46  # middle grey: 0.42 in SDR
    assert 0.75 < greys[2].mean() < 0.85
    assert 0.95 < greys[3].mean() <= 1.01


@pytest.mark.parametrize("curve", CURVES)
def test_highlights_keep_their_detail(curve: int) -> None:
    steps = shown([np.full(3, nits) for nits in (100.0, 203.0, 300.0, 400.0, 550.0, 750.0, 950.0)], curve).mean(axis=1)
    assert np.diff(steps).min() > 0.01


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("white_nits", [203.0, 400.0])
def test_hues_stay(curve: int, white_nits: float) -> None:
    colours = [COLOURS[name] for name in ("skin", "red", "green", "blue", "sky")]
    found = np.maximum(shown([as_bt2020(each, white_nits) for each in colours], curve), 0) ** 2.4
    for made, colour in zip(found, np.array(colours) ** 2.4, strict=True):
        assert made / made.max() == pytest.approx(colour / colour.max(), abs=0.05)


def test_what_bt709_cannot_show_stays_as_near_as_it_can() -> None:
    red, green, blue = shown([np.array(each) * 200.0 for each in ((1, 0, 0), (0, 1, 0), (0, 0, 1))], PQ)
    assert red.argmax() == 0
    assert green.argmax() == 1
    assert blue.argmax() == 2
    assert max(red[1], red[2], green[0], green[2], blue[0]) < 0.1


def test_the_mapping_grows_everywhere() -> None:
    for curve in CURVES:
        ramp = to_sdr(np.repeat(np.linspace(0, 1, 200)[:, None], 3, axis=1), curve=curve)[:, 0]
        assert (np.diff(ramp) >= 0).all()
        assert ramp[0] == 0
        assert ramp[-1] == pytest.approx(1)
