"""A stretch of sound is the same samples whoever hears it, whenever."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from shared.errors import BadVideo
from shared.media.probe import probe
from shared.media.sound import DRIFT_S
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, SoundTrack, hear, speech_track
from shared.media.timeline import Damage
from tests.clips import RATE_HZ, ClipMaker, ClipSpec, beeps_heard, trim_by_edit_list

SOURCES = {
    "aac": ClipSpec(),
    "mkv": ClipSpec(suffix=".mkv"),
    "hour_offset": ClipSpec(suffix=".ts", start_s=3600.0),
    "opus": ClipSpec(suffix=".mkv", sound_codec="libopus"),
    "mp3": ClipSpec(suffix=".mkv", sound_codec="libmp3lame"),
    "pcm_mono": ClipSpec(suffix=".mov", sound_codec="pcm_s16le", sound_layout="mono", sound_rate_hz=44_100),
}


def track_of(path: Path) -> SoundTrack:
    with open(path, "rb") as file:
        track = speech_track(file, probe(file, name="clip"), name="clip")
    assert track is not None
    return track


def stretch(path: Path, start_s: float, end_s: float, *, damage: Damage | None = None) -> Samples:
    with open(path, "rb") as file:
        return hear(file, track_of(path), start_s=start_s, end_s=end_s, name="clip", damage=damage)


def beeps(samples: Samples) -> list[tuple[float, int]]:
    """Return the beeps in it, found at the rate they were made in."""
    at = np.arange(len(samples) * RATE_HZ // SPEECH_RATE_HZ) * (SPEECH_RATE_HZ / RATE_HZ)
    return beeps_heard(np.interp(at, np.arange(len(samples)), samples).astype(np.float32))


@pytest.mark.parametrize("name", SOURCES)
def test_a_stretch_holds_its_seconds(clip: ClipMaker, name: str) -> None:
    samples = stretch(clip(SOURCES[name]), 1.5, 4.5)
    assert samples.shape == (3 * SPEECH_RATE_HZ,)
    assert samples.dtype == np.float32
    found = beeps(samples)
    assert [second for _, second in found] == [2, 3, 4]
    assert [at for at, _ in found] == pytest.approx([0.5, 1.5, 2.5], abs=0.01)


@pytest.mark.parametrize("name", SOURCES)
def test_the_same_stretch_is_the_same_bits_whatever_was_heard_before(clip: ClipMaker, name: str) -> None:
    path = clip(SOURCES[name])
    track = track_of(path)
    with open(path, "rb") as file:
        first = hear(file, track, start_s=2.3, end_s=4.1, name="clip")
        for start_s in (0.0, 4.0, 2.31):
            hear(file, track, start_s=start_s, end_s=start_s + 1, name="clip")
        again = hear(file, track, start_s=2.3, end_s=4.1, name="clip")
    assert np.array_equal(first, again)
    assert np.array_equal(first, stretch(path, 2.3, 4.1))


@pytest.mark.parametrize("name", SOURCES)
def test_a_stretch_sounds_like_the_whole_decoded_in_one_go(clip: ClipMaker, name: str) -> None:
    """Up to what the clocks of containers round, and the part of a sample by which the grid is missed."""
    path = clip(SOURCES[name])
    whole, part = stretch(path, 0.0, 6.0), stretch(path, 2.0, 4.0)
    allowed = round(DRIFT_S * SPEECH_RATE_HZ)
    inside = (whole[2 * SPEECH_RATE_HZ + lag :][: part.size] for lag in range(-allowed, allowed + 1))
    assert max(np.corrcoef(each, part)[0, 1] for each in inside) > 0.95


def test_there_is_silence_where_the_source_has_no_sound(clip: ClipMaker) -> None:
    late = stretch(clip(ClipSpec(sound_starts_s=1.5)), 0.0, 3.0)
    assert np.abs(late[: round(1.4 * SPEECH_RATE_HZ)]).max() < 0.01
    assert [second for _, second in beeps(late)] == [2]
    gap = stretch(clip(ClipSpec(sound_gap_s=(1.5, 2.5), suffix=".mkv")), 0.5, 4.5)
    assert [second for _, second in beeps(gap)] == [1, 3, 4]
    after = stretch(clip(ClipSpec()), 5.5, 8.0)
    assert len(after) == round(2.5 * SPEECH_RATE_HZ)
    assert not after[round(0.8 * SPEECH_RATE_HZ) :].any()


def test_time_counts_from_the_first_shown_frame(clip: ClipMaker, tmp_path: Path) -> None:
    trimmed = tmp_path / "trimmed.mp4"
    trimmed.write_bytes(clip(ClipSpec()).read_bytes())
    trim_by_edit_list(trimmed, 1.0)
    found = beeps(stretch(trimmed, 0.0, 3.0))
    with open(trimmed, "rb") as file:
        assert track_of(trimmed).start_s == pytest.approx(probe(file, name="clip").start_s)
    assert [at for at, _ in found][-1] == pytest.approx(2.0, abs=0.06)


def test_damage_is_counted_and_the_rest_is_heard(clip: ClipMaker, tmp_path: Path) -> None:
    whole = clip(ClipSpec(suffix=".mp4"))
    broken = tmp_path / "broken.mp4"
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size and packet.pos is not None]
    for packet in packets[len(packets) // 2 : len(packets) // 2 + 5]:
        assert packet.pos is not None
        data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    broken.write_bytes(bytes(data))
    damage = Damage()
    found = beeps(stretch(broken, 0.0, 6.0, damage=damage))
    assert damage.decode_errors
    assert {0, 1, 2, 4, 5} <= {second for _, second in found}


def test_a_track_that_is_no_sound_is_refused(clip: ClipMaker) -> None:
    path = clip(ClipSpec(has_sound=False))
    with open(path, "rb") as file:
        assert speech_track(file, probe(file, name="clip"), name="clip") is None
        for index in (0, 7):
            with pytest.raises(BadVideo) as caught:
                hear(file, SoundTrack(stream_index=index, start_s=0), start_s=0, end_s=1, name="clip")
            assert caught.value.code == "no_sound"


@pytest.mark.parametrize("name", ["jfk.flac", "libri_long_1spk.m4a", "es_49s.wav"])
def test_real_recordings_are_heard_as_libav_plays_them(media_file: Callable[[str], Path], name: str) -> None:
    path = media_file(f"speech/{name}")
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        start_s = float((stream.start_time or 0) * (stream.time_base or Fraction(1)))
        resampler = AudioResampler(format="fltp", layout="mono", rate=SPEECH_RATE_HZ)
        played = np.concatenate(
            [made.to_ndarray()[0] for frame in container.decode(stream) for made in resampler.resample(frame)]
        )
    with open(path, "rb") as file:
        track = SoundTrack(stream_index=0, start_s=start_s)
        found = hear(file, track, start_s=5.0, end_s=9.0, name=name)
    expected = played[5 * SPEECH_RATE_HZ : 9 * SPEECH_RATE_HZ]
    assert np.corrcoef(found, expected)[0, 1] > 0.99


def write_channels(path: Path, sound: dict[str, Samples], layout: str, codec: str) -> Path:
    """Write a sound per channel name of the layout, the others silent."""
    names = [channel.name for channel in av.AudioLayout(layout).channels]
    planes = np.zeros((len(names), max(map(len, sound.values()))), np.float32)
    for name, samples in sound.items():
        planes[names.index(name), : len(samples)] = samples
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=SPEECH_RATE_HZ, layout=layout)
        assert isinstance(stream, AudioStream)
        sample_format = stream.codec_context.format.name
        resampler = AudioResampler(format=sample_format, layout=layout, rate=SPEECH_RATE_HZ)
        for begin in range(0, planes.shape[1], 1024):
            packed = np.ascontiguousarray(planes[:, begin : begin + 1024].T).reshape(1, -1)
            frame = AudioFrame.from_ndarray(packed, format="flt", layout=layout)
            frame.sample_rate, frame.time_base, frame.pts = SPEECH_RATE_HZ, Fraction(1, SPEECH_RATE_HZ), begin
            for made in resampler.resample(frame):
                output.mux(stream.encode(made))
        output.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def voice() -> Samples:
    """Return 4 s of a buzz that comes and goes, as loud as speech."""
    t = np.arange(4 * SPEECH_RATE_HZ) / SPEECH_RATE_HZ
    buzz = sum((np.sin(2 * np.pi * 140 * k * t) / k for k in range(1, 12)), np.zeros(len(t)))
    return np.asarray(0.15 * buzz * np.sin(2 * np.pi * 3 * t) ** 2, np.float32)


@pytest.mark.parametrize(
    ("layout", "channels"),
    [
        ("mono", ["FC"]),
        ("stereo", ["FL", "FR"]),
        ("stereo", ["FL"]),
        ("2.1", ["FL", "FR"]),
        ("5.1", ["FC"]),
        ("5.1(side)", ["FC"]),
        ("5.1", ["FL", "FR"]),
        ("7.1", ["FC"]),
        ("7.1", ["FL", "FR"]),
        ("quad", ["FL", "FR"]),
    ],
)
def test_a_voice_is_heard_as_loud_whichever_channels_it_is_in(
    tmp_path: Path, voice: Samples, layout: str, channels: list[str]
) -> None:
    path = write_channels(tmp_path / "voice.mka", dict.fromkeys(channels, voice), layout, "flac")
    with open(path, "rb") as file:
        found = hear(file, SoundTrack(stream_index=0, start_s=0.0), start_s=0.5, end_s=3.5, name="voice")
    expected = voice[SPEECH_RATE_HZ // 2 :][: len(found)]
    level_db = 20 * np.log10(np.sqrt(np.mean(found**2) / np.mean(expected**2)))
    assert np.corrcoef(found, expected)[0, 1] > 0.99
    assert abs(level_db) <= (6.1 if channels == ["FL"] else 3.1)
