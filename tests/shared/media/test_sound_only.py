"""Sources without a picture: what they are found to be, and which seconds of them come out."""

import io
from itertools import pairwise
from pathlib import Path

import av
import pytest

from shared.domain.edit_list import Clip, EditList
from shared.domain.sound import Sound
from shared.domain.span import Span, span
from shared.errors import BadVideo, TryAgain
from shared.media.probe import probe, probe_media
from shared.media.render_sound import RenderedSound, render_sound
from shared.media.sound import SoundSettings
from tests.clips import BEEP_S, ClipMaker, ClipSpec, beeps_heard, heard

SPANS = (span(3.2, 4.9), span(0.4, 1.35), span(1.9, 2.6))
KINDS = {
    "m4a": ClipSpec(has_picture=False, suffix=".m4a"),
    "alac": ClipSpec(has_picture=False, suffix=".m4a", sound_codec="alac"),
    "adts": ClipSpec(has_picture=False, suffix=".aac"),
    "mp3": ClipSpec(has_picture=False, suffix=".mp3", sound_codec="libmp3lame"),
    "wav": ClipSpec(has_picture=False, suffix=".wav", sound_codec="pcm_s16le"),
    "flac": ClipSpec(has_picture=False, suffix=".flac", sound_codec="flac"),
    "opus": ClipSpec(has_picture=False, suffix=".ogg", sound_codec="libopus"),
    "opus_webm": ClipSpec(has_picture=False, suffix=".webm", sound_codec="libopus"),
    "mono_44k_mkv": ClipSpec(has_picture=False, suffix=".mka", sound_rate_hz=44_100, sound_layout="mono"),
}
CODED_LATE_S = 0.06  # formats that do not say how many samples of the first packet to leave out
RIGHT_S = 0.004


def source(path: Path) -> tuple[io.BytesIO, Sound]:
    file = io.BytesIO(path.read_bytes())
    media = probe_media(file, name=path.name)
    assert isinstance(media, Sound)
    return file, media


def edit_list(spans: tuple[Span, ...]) -> EditList:
    clips = tuple(Clip(wanted=each, actual=each, score=1.0, reasons=("said",)) for each in spans)
    return EditList(render="encode", clips=clips)


def reel(path: Path, folder: Path, spans: tuple[Span, ...], told: list[float] | None = None) -> RenderedSound:
    file, sound = source(path)
    told = told if told is not None else []
    made = folder / "reel.m4a.part"
    return render_sound(file, sound, edit_list(spans), made, sound=SoundSettings(), on_progress=told.append)


@pytest.mark.parametrize("kind", KINDS)
def test_a_source_of_sound_is_measured(clip: ClipMaker, kind: str) -> None:
    _, sound = source(clip(KINDS[kind]))
    assert sound.duration_s == pytest.approx(6.0, abs=CODED_LATE_S)
    assert [each.rate_hz for each in sound.audio] == [KINDS[kind].sound_rate_hz]
    assert sound.warnings == ()


@pytest.mark.parametrize("kind", KINDS)
def test_a_reel_of_sound_has_the_wanted_seconds_and_no_others(clip: ClipMaker, tmp_path: Path, kind: str) -> None:
    made = reel(clip(KINDS[kind]), tmp_path, SPANS)
    assert made.duration_s == pytest.approx(sum(each.duration_s for each in SPANS), abs=0.03)
    assert made.warnings == ()
    borders_s = (0.0, 1.7, 2.65)
    wanted = {
        second: border_s + second - each.start_s
        for border_s, each in zip(borders_s, SPANS, strict=True)
        for second in range(6)
        if each.start_s <= second <= each.end_s - BEEP_S
    }
    found = beeps_heard(heard(tmp_path / "reel.m4a.part"))
    assert [second for _, second in found] == [4, 1, 2]
    late_s = [at - wanted[second] for at, second in found]
    assert all(-RIGHT_S <= each <= CODED_LATE_S for each in late_s)
    assert all(abs(a - b) < RIGHT_S for a, b in pairwise(late_s)), "all cuts by the same clock"
    if kind in ("m4a", "wav", "flac", "opus", "alac"):
        assert max(map(abs, late_s)) < RIGHT_S


def test_a_cover_is_no_moving_picture(clip: ClipMaker, tmp_path: Path) -> None:
    song = tmp_path / "song.mka"
    with av.open(str(clip(KINDS["mono_44k_mkv"]))) as plain, av.open(str(song), "w", format="matroska") as output:
        stream = output.add_stream_from_template(plain.streams.audio[0])
        cover = output.add_attachment("cover.jpg", "image/jpeg", b"\xff\xd8\xff\xe0")
        assert cover is not None
        for packet in plain.demux(plain.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    _, sound = source(song)
    assert len(sound.audio) == 1


def test_movement_cannot_be_looked_for_in_sound(clip: ClipMaker) -> None:
    with pytest.raises(BadVideo) as error:
        probe(io.BytesIO(clip(KINDS["m4a"]).read_bytes()), name="talk.m4a")
    assert error.value.code == "no_video_stream"
    assert "found: audio aac" in error.value.message


def test_sound_that_never_decodes_is_corrupt(clip: ClipMaker) -> None:
    data = bytearray(clip(KINDS["flac"]).read_bytes())
    begin = data.index(b"\xff\xf8") + 6  # keeps the first frame's header
    data[begin:] = b"\xff" * (len(data) - begin)
    with pytest.raises(BadVideo) as error:
        probe_media(io.BytesIO(bytes(data)), name="talk.flac")
    assert error.value.code == "corrupt"


def test_less_than_half_a_second_of_sound_is_too_short(clip: ClipMaker) -> None:
    with pytest.raises(BadVideo) as error:
        source(clip(ClipSpec(has_picture=False, suffix=".wav", sound_codec="pcm_s16le", seconds=0.3)))
    assert error.value.code == "too_short"


def test_progress_ends_at_one(clip: ClipMaker, tmp_path: Path) -> None:
    told: list[float] = []
    reel(clip(KINDS["m4a"]), tmp_path, SPANS, told)
    assert all(a <= b for a, b in pairwise(told))
    assert told[-1] == 1.0


def test_what_a_listener_raises_comes_out_and_nothing_is_left(clip: ClipMaker, tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise TryAgain("the lease is gone")

    file, sound = source(clip(KINDS["m4a"]))
    with pytest.raises(TryAgain, match="the lease is gone"):
        render_sound(file, sound, edit_list(SPANS), tmp_path / "reel", sound=SoundSettings(), on_progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_edit_list_is_refused(clip: ClipMaker, tmp_path: Path) -> None:
    with pytest.raises(BadVideo, match="choose at least one clip"):
        reel(clip(KINDS["m4a"]), tmp_path, ())
