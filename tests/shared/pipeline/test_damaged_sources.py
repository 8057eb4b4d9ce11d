"""Damaged sources: a reel with a warning where enough is left, else a clear refusal, whatever the chunks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.domain.damage import Decoded, loss_of, together
from shared.domain.pose import SAMPLE_RATE_HZ, PoseSample
from shared.domain.units import POSE_UNIT_S, plan_chunks
from shared.errors import BadVideo
from shared.media.probe import probe
from shared.media.sparse import OLDER_BY_STEPS
from shared.pipeline.analyse_pose import PosePart, analyse_chunk, join_parts, join_thumbnails
from shared.pipeline.judge_damage import judge_damage
from tests.clips import ClipSpec, make_clip, read_time
from tests.damage import cut_off, encrypt, index_first, rename_codec, spoil
from tests.nobody import Nobody

MOST_EARLY_S = OLDER_BY_STEPS / SAMPLE_RATE_HZ + 0.001  # a step may show a frame that other frames need


@pytest.fixture(scope="session")
def half_minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 seconds with a keyframe every second: three units."""
    spec = ClipSpec(seconds=30.0, fps=ClipSpec().fps / 3, has_sound=False)
    return make_clip(tmp_path_factory.mktemp("damage"), spec)


def analysed(path: Path, chunk_s: float) -> tuple[tuple[PoseSample, ...], Decoded]:
    parts = parts_of(path, chunk_s)
    return join_parts(parts), together(part.decoded for part in parts)


def parts_of(path: Path, chunk_s: float, decoders: int | None = None) -> list[PosePart]:
    with path.open("rb") as file:
        video = probe(file, name=path.name)
        plan = plan_chunks(duration_s=video.duration_s, unit_s=POSE_UNIT_S, chunk_s=chunk_s, max_tasks=99)
        return [
            analyse_chunk(
                file,
                video,
                plan=plan,
                chunk=chunk,
                detector=Nobody(),
                name=path.name,
                on_progress=lambda _: None,
                decoders=decoders,
            )
            for chunk in range(plan.chunks)
        ]


def times_shown(thumbnails: Mapping[int, bytes]) -> dict[int, float]:
    """Return the source time in s that each thumbnail shows."""
    return {
        number: read_time(np.asarray(Image.open(BytesIO(jpeg)).convert("L"))) / 1000
        for number, jpeg in sorted(thumbnails.items())
    }


def code_of(path: Path, decoded: Decoded) -> str | None:
    with path.open("rb") as file:
        video = probe(file, name=path.name)
    try:
        warnings = judge_damage(decoded, video, name=path.name)
    except BadVideo as error:
        assert error.message.startswith(f"{path.name}: damaged, only ")
        return error.code
    return warnings[0].code if warnings else None


@pytest.mark.parametrize(
    ("spoiled_s", "code"),
    [
        ((3.0, 3.2), "damaged"),
        ((8.0, 12.0), "damaged"),
        ((10.0, 20.0), "damaged"),  # a whole chunk of ten seconds in which nothing decodes
        ((17.0, 30.0), "damaged"),
        ((12.0, 29.0), "corrupt"),
        ((4.0, 29.0), "corrupt"),
        ((0.0, 4.0), "damaged"),
        ((0.0, 17.0), "corrupt"),
    ],
)
def test_any_chunking_comes_to_the_same(half_minute: Path, spoiled_s: tuple[float, float], code: str) -> None:
    path = spoil(half_minute, start_s=spoiled_s[0], end_s=spoiled_s[1])
    parts = parts_of(path, 9999.0)
    whole, decoded, thumbnails = join_parts(parts), parts[0].decoded, join_thumbnails(parts)
    assert code_of(path, decoded) == code
    for chunk_s, decoders in ((10.0, 2), (20.0, 1)):
        in_chunks = parts_of(path, chunk_s, decoders)
        assert join_parts(in_chunks) == whole
        assert together(part.decoded for part in in_chunks) == decoded
        assert join_thumbnails(in_chunks) == thumbnails
    for number, at_s in times_shown(thumbnails).items():
        is_spoiled = spoiled_s[0] - 1 <= number <= spoiled_s[1] + 1
        is_shifted = not spoiled_s[0]  # source time begins with the first frame there is
        assert is_spoiled or is_shifted or at_s == pytest.approx(number, abs=MOST_EARLY_S), "thumbnail n shows second n"
    assert [sample.index for sample in whole] == list(range(len(whole)))


@pytest.mark.parametrize(("chunk_s", "decoders"), [(10.0, 2), (20.0, 1), (9999.0, 4)])
def test_thumbnail_n_shows_second_n(half_minute: Path, chunk_s: float, decoders: int) -> None:
    shown = times_shown(join_thumbnails(parts_of(half_minute, chunk_s, decoders)))
    assert list(shown) == list(range(30))
    for number, at_s in shown.items():
        assert number - MOST_EARLY_S <= at_s <= number + 0.001


def test_what_is_lost_is_measured(half_minute: Path) -> None:
    _, decoded = analysed(spoil(half_minute, start_s=12.0, end_s=19.0), 10.0)
    assert decoded.expected == 240
    assert decoded.lost == pytest.approx(56, abs=8)


@pytest.mark.parametrize(("share", "code"), [(0.8, "damaged"), (0.3, "corrupt")])
def test_a_file_cut_off_after_its_index_is_judged_by_what_is_there(half_minute: Path, share: float, code: str) -> None:
    path = cut_off(index_first(half_minute), share=share)
    assert code_of(path, analysed(path, 9999.0)[1]) == code
    assert code_of(path, analysed(path, 10.0)[1]) == code


def test_a_file_cut_off_before_its_index_is_truncated(half_minute: Path) -> None:
    with pytest.raises(BadVideo) as caught, cut_off(half_minute, share=0.9).open("rb") as file:
        probe(file, name="half.mp4")
    assert caught.value.code == "truncated"


def test_a_sound_source_has_lost_nothing(half_minute: Path) -> None:
    _, decoded = analysed(half_minute, 10.0)
    assert decoded == Decoded(expected=240)
    assert code_of(half_minute, decoded) is None


@pytest.mark.parametrize(
    ("lost", "is_damaged", "is_hopeless"), [(0, False, False), (4, True, False), (40, True, False), (41, True, True)]
)
def test_half_has_to_be_left(lost: int, is_damaged: bool, is_hopeless: bool) -> None:
    loss = loss_of(Decoded(expected=80, lost=lost), step_s=0.125, lost_before_s=0.0)
    assert (loss.is_damaged, loss.is_hopeless) == (is_damaged, is_hopeless)


def test_a_second_has_to_be_left() -> None:
    assert loss_of(Decoded(expected=12, lost=5, errors=1), step_s=0.125, lost_before_s=0.0).is_hopeless
    assert not loss_of(Decoded(expected=6), step_s=0.125, lost_before_s=0.0).is_hopeless, "short, but nothing is lost"


@pytest.mark.parametrize("made", [encrypt, lambda path: rename_codec(path, b"encv")])
def test_an_encrypted_picture_says_so(half_minute: Path, made: Callable[[Path], Path]) -> None:
    with pytest.raises(BadVideo) as caught, made(half_minute).open("rb") as file:
        probe(file, name="film.mp4")
    assert caught.value.code == "encrypted"
    assert caught.value.message == "film.mp4: its picture is encrypted; use a copy without copy protection."


def test_a_codec_nobody_knows_says_so(half_minute: Path) -> None:
    with pytest.raises(BadVideo) as caught, rename_codec(half_minute, b"zzzz").open("rb") as file:
        probe(file, name="film.mp4")
    assert caught.value.code == "unsupported_codec"
    assert caught.value.message == "film.mp4: no decoder for its picture (found: zzzz); export it as H.264 in MP4."
