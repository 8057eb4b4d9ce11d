"""The words of the right track at the right times, whatever the container does with its sound."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream

from benchmarks.normalise import normalise
from jobs.transcribe.recognizer import WhisperRecognizer
from shared.domain.speech_units import SPEECH_UNIT_S
from shared.domain.transcript import Word
from shared.domain.units import plan_chunks
from shared.media.probe import probe
from shared.media.speech_sound import SPEECH_RATE_HZ, Samples, speech_track
from shared.pipeline.transcribe import JoinedSpeech, find_language, join_parts, transcribe_chunk
from tests.joined_speech import read_speech
from tests.sounds import voiceless

MediaFile = Callable[[str], Path]
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.timeout(600)]
FPS = 10


@dataclass(frozen=True, kw_only=True)
class Track:
    """A sound track to write."""

    samples: Samples
    language: str | None = None
    is_default: bool = False
    starts_s: float = 0.0
    """After the first picture; below 0 before it."""
    rate_hz: int = 48_000
    layout: str = "stereo"
    centre_only: bool = False


def write_video(path: Path, tracks: Sequence[Track], *, picture_s: float = 0.0, codec: str = "aac") -> Path:
    """Write a small picture as long as the sound, which begins at `picture_s` of the container's clock."""
    with av.open(str(path), "w") as output:
        picture = output.add_stream("libx264", rate=FPS)
        picture.width, picture.height, picture.pix_fmt = 64, 36, "yuv420p"
        streams: list[AudioStream] = []
        for track in tracks:
            stream = cast(AudioStream, output.add_stream(codec, rate=track.rate_hz, layout=track.layout))
            if track.language:
                stream.metadata["language"] = track.language
            stream.disposition = av.stream.Disposition.default if track.is_default else av.stream.Disposition(0)
            streams.append(stream)
        frames = round(FPS * max(len(track.samples) / SPEECH_RATE_HZ + track.starts_s for track in tracks))
        for n in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((36, 64, 3), 60 + n % 100, np.uint8), format="rgb24")
            frame.time_base, frame.pts = Fraction(1, 1000), round(1000 * (picture_s + n / FPS))
            output.mux(picture.encode(frame))
        output.mux(picture.encode(None))
        for track, stream in zip(tracks, streams, strict=True):
            for sound in (*_sound(track, picture_s), None):
                output.mux(stream.encode(sound))
    return path


def _sound(track: Track, picture_s: float) -> Iterator[AudioFrame]:
    channels = len(av.AudioLayout(track.layout).channels)
    resampler = AudioResampler(format="fltp", layout=track.layout, rate=track.rate_hz, frame_size=1024)
    planes = np.zeros((len(track.samples), channels), np.float32)
    planes[:, [2] if track.centre_only else slice(None)] = track.samples[:, None]
    at = round((picture_s + track.starts_s) * track.rate_hz)
    whole = AudioFrame.from_ndarray(np.ascontiguousarray(planes).reshape(1, -1), format="flt", layout=track.layout)
    whole.sample_rate = SPEECH_RATE_HZ
    for frame in (*resampler.resample(whole), *resampler.resample(None)):
        frame.time_base, frame.pts = Fraction(1, track.rate_hz), at
        at += frame.samples
        yield frame


def heard(recognizer: WhisperRecognizer, path: Path, language: str | None = None) -> JoinedSpeech:
    """Return what the stage writes down of a video, of the track it would choose."""
    with open(path, "rb") as file:
        media = probe(file, name=path.name)
        track = speech_track(file, media, name=path.name, language=language)
        assert track is not None
        plan = plan_chunks(duration_s=media.duration_s, unit_s=SPEECH_UNIT_S, chunk_s=9999, max_tasks=9)
        spoken = find_language(
            file, track, plan=plan, duration_s=media.duration_s, recognizer=recognizer, name=path.name
        )
        part = transcribe_chunk(
            file, track, plan=plan, chunk=0, duration_s=media.duration_s, language=spoken, recognizer=recognizer,
            name=path.name, on_progress=lambda _: None,
        )  # fmt: skip
    return join_parts([part])


def said(words: Iterable[Word]) -> list[str]:
    return normalise(" ".join(word.text for word in words))


def same_words(wanted: Sequence[Word], found: Sequence[Word]) -> list[tuple[float, float]]:
    """Return where each word of the one is said in the one and in the other, for those that are in both."""
    texts = [["".join(normalise(word.text)) for word in words] for words in (wanted, found)]
    blocks = SequenceMatcher(None, texts[0], texts[1], autojunk=False).get_matching_blocks()
    pairs = [(block.a + n, block.b + n) for block in blocks for n in range(block.size)]
    return [(wanted[a].start_s, found[b].start_s) for a, b in pairs]


@pytest.fixture(scope="module")
def president(media_file: MediaFile) -> Samples:
    return read_speech(media_file("speech/jfk.flac"))


@pytest.fixture(scope="module")
def plain(base: WhisperRecognizer, president: Samples, tmp_path_factory: pytest.TempPathFactory) -> tuple[Word, ...]:
    path = tmp_path_factory.mktemp("plain") / "plain.mkv"
    words = heard(base, write_video(path, [Track(samples=president)], codec="flac")).transcript.words
    assert len(words) == 22
    return words


NOTHING = np.zeros(0, np.float32)
SOUNDS = {
    "late.mp4": (Track(samples=NOTHING, starts_s=1.5), 0.0),
    "late.mkv": (Track(samples=NOTHING, starts_s=1.5), 0.0),
    "early.mkv": (Track(samples=NOTHING, starts_s=-1.5), 2.0),
    "early.ts": (Track(samples=NOTHING, starts_s=-1.5), 2.0),
    "8khz.mp4": (Track(samples=NOTHING, rate_hz=8_000, layout="mono"), 0.0),
    "centre.mp4": (Track(samples=NOTHING, layout="5.1", centre_only=True), 0.0),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_words_lie_at_the_same_times_however_the_sound_is_laid_in(
    base: WhisperRecognizer, president: Samples, plain: tuple[Word, ...], tmp_path: Path, name: str
) -> None:
    pattern, picture_s = SOUNDS[name]
    early_s = max(0.0, -pattern.starts_s)  # what is heard before the picture is no part of the source
    before = voiceless("chords", 2.0)[: round(early_s * SPEECH_RATE_HZ)]
    track = replace(pattern, samples=np.concatenate([before, president]))
    found = heard(base, write_video(tmp_path / name, [track], picture_s=picture_s))
    assert found.warnings == ()
    off_s = [at_s - each_s - early_s - track.starts_s for each_s, at_s in same_words(plain, found.transcript.words)]
    assert len(off_s) >= len(plain) - 1, said(found.transcript.words)
    assert abs(float(np.median(off_s))) <= 0.05
    assert np.sum(np.abs(off_s) > 0.1) <= 2, off_s


def test_the_track_in_the_asked_language_is_written_down_and_else_the_default_one(
    base: WhisperRecognizer, president: Samples, media_file: MediaFile, tmp_path: Path
) -> None:
    russian = read_speech(media_file("speech/ru.wav"))
    tracks = [
        Track(samples=russian, language="rus"),
        Track(samples=president, language="eng", is_default=True),
    ]
    path = write_video(tmp_path / "two.mkv", tracks)
    assert heard(base, path).transcript.language == "en"
    assert heard(base, path, "ru").transcript.language == "ru"
    assert heard(base, path, "rus").transcript.language == "ru"
    assert heard(base, path, "fr").transcript.language == "en"


def test_words_around_broken_packets_keep_their_times_and_the_damage_is_told(
    base: WhisperRecognizer, president: Samples, plain: tuple[Word, ...], tmp_path: Path
) -> None:
    whole = write_video(tmp_path / "whole.mp4", [Track(samples=president)])
    data = bytearray(whole.read_bytes())
    with av.open(str(whole)) as container:
        for packet in container.demux(container.streams.audio[0]):
            if packet.pts is None or packet.time_base is None or packet.pos is None:
                continue
            if 4.9 <= float(packet.pts * packet.time_base) < 5.3:  # nobody speaks
                data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    whole.write_bytes(data)
    found = heard(base, whole)
    (warning,) = found.warnings
    assert warning.startswith("damaged_sound: ")
    assert found.decode_errors >= 10
    assert said(found.transcript.words) == said(plain)
    off_s = [word.start_s - each.start_s for word, each in zip(found.transcript.words, plain, strict=True)]
    assert np.sum(np.abs(off_s) > 0.1) <= 1, off_s


def test_sound_that_fails_altogether_is_no_end_of_the_job(base: WhisperRecognizer, media_file: MediaFile) -> None:
    found = heard(base, media_file("odd/failing_audio.mp4"))
    assert [warning.split(":")[0] for warning in found.warnings] in (["damaged_sound"], [])
    assert all(word.end_s - word.start_s <= 2.0 for word in found.transcript.words)
