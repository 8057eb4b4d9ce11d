"""How fast, how rightly and in how much memory speech is written down, beside the usual way on the same weights.

    python -m benchmarks.transcribe [--pairs 5] [--threads 2] [--counted] [--errors] [--chunks]

Recordings are those of MONTAGE_MEDIA, or `shared/media` beside the checkout: six English ones of 223 s together, and
one each in German, Spanish, Japanese and Russian, all with their exact words. Two ways write them down file by file:
the usual one, faster-whisper's `WhisperModel(path).transcribe(file)` with every default, and Montage's stage as its
tasks work on one machine: from the file through language, borders and units in chunks of the default length, as many at
once as there are threads, to the joined transcript, which has word times, where the usual way has times of sentences
only. Both use the base model's same file and two threads. Every turn is a process of its own for each way
(benchmarks/transcribe_once.py); the ways take turns, so that what else the machine does meets both. Loading the model
is timed by itself and is in no ratio.

Measure on a machine that has nothing else to do: threads wait for each other by spinning, and where another program has
their core the usual way suffers more. Ratios of 5 to 7 came out so, of CPU time too, where it was 1.8 with one thread
each. So the share of its cores that the usual way had is a bound as well, and `--threads 1` tells more on a busy one.

A ratio is the median of the ratios within each turn. The bounds of speed and of wrong words are for the English
recordings together: seconds, or errors and words, are summed before they are divided. Speed has to hold for one after
the other and for all six handed over at once, as `montage run` takes several files: then tasks of one fill the cores
that another's leave idle, where the usual way takes one after the other. The usual way may roll dice where
it is unsure, so its wrong words are the median of all turns; Montage must write the same every time. Words and
characters are compared by benchmarks/normalise.py, which neither spells out numbers nor joins compounds: "übermittelt
en" for "übermittelten" counts as two errors, for either way, and a Japanese text that writes "Microsoft" in Japanese
has nine characters wrong. How many sentences were ended by a mark is printed, and has no bound.

Prints a JSON line for each measurement and a summary line; exits 1 when a bound is missed. `--counted` leaves out what
is timed; `--errors` prints what is wrong, word by word; `--chunks` instead compares whole transcripts for several
lengths of chunks, those of 30 minutes of joined speech too (benchmarks/transcribe_chunks.py), which takes minutes.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import get_args

from benchmarks.normalise import character_error_rate, errors, normalise, word_error_rate
from benchmarks.transcribe_once import MODEL, THREADS, Asked, Measured, Way, Written
from benchmarks.turns import MEDIA, ROOT, answer, missed, ratio, refused, say
from shared.domain.transcript import SENTENCE_ENDS
from shared.errors import MontageError
from shared.models.fetch import ensure
from shared.settings import Settings

PAIRS = 5
WAYS: tuple[Way, ...] = get_args(Way)
ENGLISH = ("libri_long_1spk.m4a", "dialogue_3spk.m4a", "jfk.flac",
           "librivox_0870.wav", "librivox_0890.wav", "librivox_0920.wav")  # fmt: skip
OTHERS = {"de": "de_34s.wav", "es": "es_49s.wav", "ja": "ja_28s.wav", "ru": "ru.wav"}
FILES = (*ENGLISH, *OTHERS.values())
TOGETHER = {"english": ENGLISH, "all": FILES}
"""Recordings whose times are summed, by what the sums are called."""

AT_ONCE = "english_at_once"

LEAST = {"speedup_english": 2.5, f"speedup_{AT_ONCE}": 2.5, "cores_had": 0.7}
MOST = {
    "wer_above_usual_english": 0.005,
    "wer_de": 0.10,
    "wer_es": 0.10,
    "languages_wrong": 0.0,
    "texts_that_differ": 0.0,
    "peak_mib_montage": 2048.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """One recording, or several together, written down in one turn."""

    turn: int
    what: str
    way: Way
    duration_s: float
    """Of the recording."""
    wall_s: float
    cpu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Every recording written down in one way, in one turn."""

    turn: int
    way: Way
    load_s: float
    peak_mib: float
    written: Mapping[str, Written]
    """By file name."""
    at_once: Written
    """The English ones, handed over at once."""


def main() -> int:
    """Print what was measured and a summary; 1 when a bound is missed, else 0."""
    asked = _words()
    folder = MEDIA / "speech"
    absent = [name for name in FILES if not (folder / name).exists()]
    if absent:
        return refused(f"no recording {absent[0]} in {folder}; MONTAGE_MEDIA names another folder")
    try:
        ensure(MODEL, cache_dir=Settings().models)
    except MontageError as error:
        return refused(f"without the model nothing is written down: {str(error).rstrip('.')}")
    if asked.chunks:
        from benchmarks.transcribe_chunks import compared  # loads the model into this process

        figures = compared(folder)
    else:
        figures = _of_turns(_turns(folder, 1 if asked.counted else asked.pairs, asked.threads), folder, asked)
    short = missed_bounds(figures)
    say({"summary": "missed" if short else "held", "cores": os.cpu_count(), **figures, "missed": short})
    return 1 if short else 0


def missed_bounds(figures: Mapping[str, float]) -> list[str]:
    """Return the bounds that were missed, in words; what was not measured misses none."""
    from benchmarks.transcribe_chunks import MOST as MOST_BETWEEN_CHUNKS

    return missed(figures, least=LEAST, most=MOST | MOST_BETWEEN_CHUNKS)


def ratios(taken: Sequence[Taken]) -> dict[str, float]:
    """Return how many times faster Montage is than the usual way, and both in times of real time."""
    whats = list(dict.fromkeys(each.what for each in taken))
    figures: dict[str, float] = {}
    for what in whats:
        figures[f"speedup_{what}"] = ratio(taken, (what, "usual"), (what, "montage"))
        figures[f"speedup_cpu_{what}"] = ratio(taken, (what, "usual"), (what, "montage"), of="cpu_s")
    for what, way in ((what, way) for what in whats if what in (*TOGETHER, AT_ONCE) for way in WAYS):
        mine = [each for each in taken if (each.what, each.way) == (what, way)]
        figures[f"{what}_{way}_x_real_time"] = round(median(each.duration_s / each.wall_s for each in mine), 1)
        figures[f"{what}_{way}_s_per_min"] = round(median(each.wall_s * 60 / each.duration_s for each in mine), 3)
        figures[f"{what}_{way}_cpu_s"] = round(median(each.cpu_s for each in mine), 1)
    return figures


def cores_had(taken: Sequence[Taken], threads: int) -> float:
    """Return the share of `threads` cores that the usual way kept busy, the median of its turns."""
    mine = [each for each in taken if (each.what, each.way) == ("english", "usual")]
    return round(median(each.cpu_s / each.wall_s for each in mine) / threads, 2)


def together(taken: Iterable[Taken]) -> list[Taken]:
    """Return the times of one way in one turn, and their sums over the English recordings and over all."""
    each_file = list(taken)
    sums = []
    for what, names in TOGETHER.items():
        mine = [each for each in each_file if each.what in map(_stem, names)]
        sums.append(
            replace(
                mine[0],
                what=what,
                duration_s=sum(each.duration_s for each in mine),
                wall_s=sum(each.wall_s for each in mine),
                cpu_s=sum(each.cpu_s for each in mine),
            )
        )
    return each_file + sums


def rates(turns: Sequence[Turn], said: Mapping[str, str]) -> dict[str, float]:
    """Return the share of words, or of Japanese characters, each way got wrong: the median of its turns.

    `said` is what was really said, by file name. The English recordings count as one text.
    """
    figures: dict[str, float] = {}
    for way in WAYS:
        mine = [turn.written for turn in turns if turn.way == way]
        prefix = "" if way == "montage" else "usual_"
        figures[f"{prefix}wer_english"] = median(english_error_rate(written, said) for written in mine)
        for language, name in OTHERS.items():
            kind, rate = ("cer", character_error_rate) if language == "ja" else ("wer", word_error_rate)
            figures[f"{prefix}{kind}_{language}"] = median(rate(said[name], written[name].text) for written in mine)
    figures["wer_above_usual_english"] = figures["wer_english"] - figures["usual_wer_english"]
    return {name: round(figure, 4) for name, figure in figures.items()}


def english_error_rate(written: Mapping[str, Written], said: Mapping[str, str]) -> float:
    """Return the errors in the English recordings, summed, by their words, summed."""
    wrong = sum(len(errors(said[name], written[name].text)) for name in ENGLISH)
    return wrong / sum(len(normalise(said[name])) for name in ENGLISH)


def counted(turns: Sequence[Turn]) -> dict[str, float]:
    """Return what does not depend on the machine's speed but on Montage: languages, sameness; and memory of both."""
    mine = [turn.written for turn in turns if turn.way == "montage"]
    spoken = dict.fromkeys(ENGLISH, "en") | {name: language for language, name in OTHERS.items()}
    figures: dict[str, float] = {
        "languages_wrong": sum(mine[0][name].language != language for name, language in spoken.items()),
        "texts_that_differ": sum(len({written[name].text for written in mine}) > 1 for name in FILES)
        + sum(_reads_otherwise_at_once(turn) for turn in turns if turn.way == "montage"),
    }
    for way in WAYS:
        figures[f"peak_mib_{way}"] = round(max(turn.peak_mib for turn in turns if turn.way == way))
    return figures


def _reads_otherwise_at_once(turn: Turn) -> bool:
    return turn.at_once.text != " ".join(turn.written[name].text for name in ENGLISH)


def sentence_ends(turns: Sequence[Turn]) -> dict[str, float]:
    """Return how many sentences each way ended in its first turn, by language; captions break there."""
    figures: dict[str, float] = {}
    for way in WAYS:
        written = next(turn.written for turn in turns if turn.way == way)
        for language, names in {"english": ENGLISH, **{language: (name,) for language, name in OTHERS.items()}}.items():
            text = " ".join(written[name].text for name in names)
            figures[f"{'' if way == 'montage' else 'usual_'}sentences_{language}"] = sum(map(text.count, SENTENCE_ENDS))
    return figures


def _words() -> argparse.Namespace:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--pairs", type=int, default=PAIRS, help=f"turns of each way ({PAIRS}); fewer to try things out")
    words.add_argument("--threads", type=int, default=THREADS, help=f"of each way ({THREADS})")
    words.add_argument("--counted", action="store_true", help="only what does not depend on the machine's speed")
    words.add_argument("--errors", action="store_true", help="print what is wrong in the first turn, word by word")
    words.add_argument("--chunks", action="store_true", help="only compare transcripts for chunks of several lengths")
    return words.parse_args()


def _turns(folder: Path, pairs: int, threads: int) -> Iterable[Turn]:
    """Yield both ways' turns; which comes first changes."""
    for number in range(pairs):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            measured = _once(way, [str(folder / name) for name in FILES], threads)
            written = dict(zip(FILES, measured.written, strict=True))
            yield Turn(
                turn=number,
                way=way,
                load_s=measured.load_s,
                peak_mib=measured.peak_mib,
                written=written,
                at_once=measured.at_once,
            )


def _of_turns(turns: Iterable[Turn], folder: Path, asked: argparse.Namespace) -> dict[str, float]:
    """Return all figures; what was measured is printed as it comes."""
    said = {name: (folder / name).with_suffix(".txt").read_text("utf-8") for name in FILES}
    taken: list[Taken] = []
    done: list[Turn] = []
    for turn in turns:
        done.append(turn)
        found = [*together(_taken(turn)), _at_once(turn)]
        taken += found
        for each in found:
            say({name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(each).items()})
        say({"turn": turn.turn, "way": turn.way, "load_s": round(turn.load_s, 3), "peak_mib": round(turn.peak_mib)})
        if turn.turn == 0 and asked.errors:
            _say_errors(turn, said)
    figures = rates(done, said) | counted(done) | sentence_ends(done)
    if asked.counted:
        return figures
    return ratios(taken) | {"cores_had": cores_had(taken, asked.threads)} | figures | _loading(done)


def _say_errors(turn: Turn, said: Mapping[str, str]) -> None:
    for name, written in turn.written.items():
        if name == OTHERS["ja"]:  # written without spaces
            say({"errors": name, "way": turn.way, "said": said[name], "heard": written.text})
        else:
            say({"errors": name, "way": turn.way, "wrong": errors(said[name], written.text)})


def _loading(turns: Sequence[Turn]) -> dict[str, float]:
    return {f"load_{way}_s": round(median(turn.load_s for turn in turns if turn.way == way), 3) for way in WAYS}


def _taken(turn: Turn) -> list[Taken]:
    return [
        Taken(
            turn=turn.turn,
            what=_stem(name),
            way=turn.way,
            duration_s=written.duration_s,
            wall_s=written.wall_s,
            cpu_s=written.cpu_s,
        )
        for name, written in turn.written.items()
    ]


def _at_once(turn: Turn) -> Taken:
    return Taken(
        turn=turn.turn,
        what=AT_ONCE,
        way=turn.way,
        duration_s=turn.at_once.duration_s,
        wall_s=turn.at_once.wall_s,
        cpu_s=turn.at_once.cpu_s,
    )


def _stem(name: str) -> str:
    return Path(name).stem


def _once(way: Way, sources: Sequence[str], threads: int) -> Measured:
    at_once = [each for each in sources if Path(each).name in ENGLISH]
    asked = Asked(way=way, sources=sources, at_once=at_once, threads=threads)
    told = answer([sys.executable, "-m", "benchmarks.transcribe_once", json.dumps(asdict(asked))], cwd=ROOT)
    written = tuple(Written(**each) for each in told["written"])
    return Measured(**(told | {"written": written, "at_once": Written(**told["at_once"])}))


if __name__ == "__main__":
    sys.exit(main())
