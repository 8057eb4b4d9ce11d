"""What the words of the command line ask of a job."""

from typing import Any

import pytest

from functions.edit_list_body import AskedFor
from functions.local.arguments import parser, render_options, run_options
from shared.domain.edit_list import Join
from shared.domain.given_edit_list import GivenClip, GivenEditList
from shared.domain.options import Options
from shared.domain.span import span

COMMANDS = dict.fromkeys(
    (
        "run",
        "render",
        "jobs",
        "job",
        "cancel",
        "retry",
        "erase",
        "models",
        "dead-letters",
        "keys",
        "serve",
        "sample",
        "doctor",
        "version",
    ),
    lambda _: 0,
)
CLIPS = GivenEditList(clips=(GivenClip(wanted=span(1, 2)),))
SAID = ["--quality", "high", "--loudness", "keep", "--audio-language", "deu"]


def asked(*words: str, is_json: bool = False) -> Any:
    return parser(COMMANDS, is_json=is_json).parse_args(words)


def of_render(*words: str, file: AskedFor) -> Options:
    return render_options(asked("render", "x.mp4", "--edit-list", "e.json", *words), file)


def test_nothing_said_is_the_defaults() -> None:
    assert run_options(asked("run", "x.mp4")) == Options()
    assert of_render(file=AskedFor(edit_list=CLIPS)) == Options()


def test_both_commands_say_how_the_reel_looks_and_sounds() -> None:
    joined = ["--join", "dip", "--join-s", "1.5", "--render", "encode"]
    wanted = Options(
        render="encode", quality="high", join="dip", join_s=1.5, loudness="keep", audio_language="deu"
    )  # fmt: skip
    assert run_options(asked("run", "x.mp4", *SAID, *joined)) == wanted
    assert of_render(*SAID, *joined, file=AskedFor(edit_list=CLIPS)) == wanted


def test_what_is_not_said_is_as_the_file_has_it() -> None:
    file = AskedFor(edit_list=CLIPS, render="copy", join=Join(kind="crossfade", duration_s=0.2))
    assert of_render(file=file) == Options(render="copy", join="crossfade", join_s=0.2)
    assert of_render("--render", "auto", file=file).render == "auto"
    assert of_render("--join", "dip", file=file) == Options(render="copy", join="dip", join_s=0.2)
    assert of_render("--join-s", "0.4", file=file).join_s == 0.4


@pytest.mark.parametrize("command", [["run", "x.mp4"], ["render", "x.mp4", "--edit-list", "e.json"]])
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--join-s", "9"], "--join-s must lie between 0.1 and 5 seconds, not 9."),
        (["--join-s", "nan"], "--join-s must lie between"),
        (["--audio-language", "german"], "--audio-language must be a code such as en or eng"),
        (["--join", "wipe"], "invalid choice: 'wipe'"),
        (["--quality", "best"], "invalid choice: 'best'"),
    ],
)
def test_words_that_make_no_sense_end_with_code_2(
    capsys: pytest.CaptureFixture[str], command: list[str], words: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        arguments = asked(*command, *words)
        if command[0] == "run":
            run_options(arguments)
        else:
            render_options(arguments, AskedFor(edit_list=CLIPS))
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_what_is_looked_for_and_how_long_a_clip_is_can_be_said() -> None:
    words = ["--shortest-clip-s", "3", "--longest-clip-s", "9.5", "--order", "score", "--speech-language", "DE"]
    lists = ["--keywords", " kickflip, first  try,,Kickflip ", "--vocabulary", "Ada,Oakley"]
    assert run_options(asked("run", "x.mp4", *words, *lists)) == Options(
        shortest_clip_s=3,
        longest_clip_s=9.5,
        order="score",
        speech_language="de",
        keywords=("kickflip", "first try"),
        vocabulary=("Ada", "Oakley"),
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shortest-clip-s", "0.1"], "--shortest-clip-s must lie between 0.5 and 60 seconds, not 0.1."),
        (["--longest-clip-s", "1"], "--longest-clip-s must lie between the shortest clip's 2 and 3600 seconds, not 1."),
        (["--longest-clip-s", "nan"], "--longest-clip-s must lie between"),
        (["--speech-language", "klingon"], "--speech-language must be one of Whisper's 99 codes"),
        (["--keywords", "x" * 61], "--keywords must have entries of at most 60 characters, not xxxx"),
        (["--vocabulary", ",".join(map(str, range(51)))], "--vocabulary must have at most 50 entries, not 51."),
        (["--order", "random"], "invalid choice: 'random'"),
    ],
)
def test_what_is_looked_for_may_make_no_sense(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as caught:
        run_options(asked("run", "x.mp4", *words))
    assert caught.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())
