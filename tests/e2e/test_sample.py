"""The sample: made of what packages carry, and cut as a newcomer sees it."""

import json
from pathlib import Path

import av
import pytest

from tests.e2e.conftest import Montage

pytestmark = [pytest.mark.slow, pytest.mark.models, pytest.mark.timeout(400)]


def test_the_sample_has_something_to_keep_and_something_to_cut(montage: Montage) -> None:
    made = montage("sample", "--json", timeout_s=240)
    assert made.code == 0, made.err
    film = Path(made.json["path"])
    assert all(each["licence"] and each["credit"] for each in made.json["made_of"])
    made_at = film.stat().st_mtime_ns
    assert montage("sample").out.strip() == str(film)
    assert film.stat().st_mtime_ns == made_at
    with av.open(str(film)) as container:
        assert 55 <= (container.duration or 0) / av.time_base <= 70

    ended = montage("run", "--json", film)
    assert ended.code == 0, ended.err
    report = json.loads(Path(ended.json["outputs"]["report"]).read_text())
    first, second = report["motion"]
    assert (first[0], first[1]) == pytest.approx((7.5, 15.1), abs=1.0)
    assert (second[0], second[1]) == pytest.approx((44.9, 53.5), abs=1.0)
    assert len(report["speech"]) == 3
    assert len(report["highlights"]) >= 4
    assert report["warnings"] == []
    assert 0.5 < report["edit_list"]["duration_s"] / report["source"]["duration_s"] < 0.75
    captions = Path(ended.json["outputs"]["captions_srt"]).read_text("utf-8")
    assert "It was the best of times" in captions
