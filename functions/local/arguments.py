"""The words the `montage` command takes, and what they ask of a job."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from functions.edit_list_body import AskedFor
from functions.local.dead_letters import add_dead_letters
from functions.local.keys import add_keys
from functions.local.outcome import BAD_INPUT, refused
from shared.domain.edit_list import Join
from shared.domain.options import MotionOptions, Options

Command = Callable[[argparse.Namespace], int]
"""What a subcommand does; returns the exit code."""


def parser(commands: Mapping[str, Command], *, is_json: bool) -> argparse.ArgumentParser:
    """Return the parser of the whole command line; `command` of what it returns is the one to call.

    `commands` are named like the subcommands, and "version". A wrong word ends the program with code 2 and a sentence,
    as JSON where `is_json`.
    """
    _Parser.is_json = is_json
    made = _Parser(
        prog="montage", description="Turns long footage into a highlight reel, on this machine.", allow_abbrev=False
    )
    made.add_argument(
        "--version", dest="command", action="store_const", const=commands["version"], help="print the version"
    )
    made.add_argument("--json", action="store_true", help="print one JSON value on standard output")
    added = made.add_subparsers(metavar="COMMAND")

    def add(name: str, words: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = added.add_parser(name, help=words, description=words, allow_abbrev=False)
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        one.set_defaults(command=commands[name], fail=one.error)
        return one

    _add_run(add("run", "make a reel of each video"))
    _add_render(add("render", "make a reel of the clips that an edit list names; nothing is analysed"))
    add("jobs", "list every job, oldest first")
    add("job", "show a job; an unfinished one goes on first").add_argument(
        "id", metavar="ID", help="or its first letters"
    )
    add("cancel", "end an unfinished job; nothing more is made of it").add_argument(
        "id", metavar="ID", help="or its first letters"
    )
    add("retry", "try a failed job again, and keep what is done of it").add_argument(
        "id", metavar="ID", help="or its first letters"
    )
    add("erase", "remove everything of a job but what was put into its folder").add_argument(
        "id", metavar="ID", help="or its first letters"
    )
    add("models", "list or fetch the model files").add_argument(
        "action", nargs="?", choices=("list", "fetch"), default="list"
    )
    add_dead_letters(add("dead-letters", "list or replay the messages that could not be handled"))
    _add_serve(
        add("serve", "show the page and answer the HTTP API on this machine, and run the jobs they are asked for")
    )
    add_keys(add("keys", "make, list or revoke the keys by which programs show who they are"))
    add("sample", "make a minute of raw footage to try Montage on, and print where it is")
    add("doctor", "say what this machine has and lacks")
    made.set_defaults(command=_usage(made))
    return made


def run_options(arguments: argparse.Namespace) -> Options:
    """Return what `montage run` was asked for; ends the program when it makes no sense."""
    return _checked(
        arguments,
        mode=arguments.mode,
        render=arguments.render,
        target_s=arguments.target_s,
        shortest_clip_s=arguments.shortest_clip_s,
        longest_clip_s=arguments.longest_clip_s,
        order=arguments.order,
        speech_language=arguments.speech_language,
        vocabulary=arguments.vocabulary,
        keywords=arguments.keywords,
        chunk_s=arguments.chunk_s,
        on_nothing_found=arguments.on_nothing_found,
        motion=MotionOptions(pad_before_s=arguments.pad_before_s, pad_after_s=arguments.pad_after_s),
        join=arguments.join or Join().kind,
        join_s=Join().duration_s if arguments.join_s is None else arguments.join_s,
        **_look_and_sound(arguments),
    )


def render_options(arguments: argparse.Namespace, file: AskedFor) -> Options:
    """Return what `montage render` was asked for: what is not said is as the file has it."""
    join = file.join or Join()
    return _checked(
        arguments,
        render=arguments.render or file.render or "auto",
        join=arguments.join or join.kind,
        join_s=join.duration_s if arguments.join_s is None else arguments.join_s,
        **_look_and_sound(arguments),
    )


def _look_and_sound(arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "quality": arguments.quality,
        "loudness": arguments.loudness,
        "audio_language": arguments.audio_language,
    }


def _checked(arguments: argparse.Namespace, **asked: Any) -> Options:
    try:
        return Options(**asked)
    except ValueError as error:
        arguments.fail(re.sub(r"^[a-z_]+", lambda name: f"--{name[0].replace('_', '-')}", str(error)))
        raise


class _Parser(argparse.ArgumentParser):
    """Tells of a wrong option as JSON where JSON was asked for."""

    is_json = False

    def error(self, message: str) -> NoReturn:
        if self.is_json:
            print(json.dumps(refused("", "bad_option", f"{message}.").to_dict(), indent=2))
            raise SystemExit(BAD_INPUT)
        super().error(message)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"must lie between 1 and 256, not {text}")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 65535, not {text}")
    return int(text)


def _terms(text: str) -> tuple[str, ...]:
    """Return a comma-separated list; the options trim it."""
    return tuple(text.split(","))


def _add_run(one: argparse.ArgumentParser) -> None:
    one.add_argument("videos", nargs="+", metavar="VIDEO", help="names that begin with - go after --")
    one.add_argument("--mode", choices=("auto", "motion", "speech"), default="auto", help="what to look for")
    one.add_argument("--target-s", type=float, metavar="N", help="about how long the reel should be, in seconds")
    one.add_argument(
        "--shortest-clip-s",
        type=float,
        default=Options().shortest_clip_s,
        metavar="N",
        help="no clip is shorter, in seconds (default: %(default)g)",
    )
    one.add_argument("--longest-clip-s", type=float, metavar="N", help="no clip is longer, in seconds")
    one.add_argument(
        "--order",
        choices=("source", "score"),
        default=Options().order,
        help="show the clips as they come in the source, or the best first (default: %(default)s)",
    )
    one.add_argument(
        "--keywords",
        type=_terms,
        default=(),
        metavar="WORDS",
        help='what you want to see talked about, e.g. "kickflip, first try"',
    )
    one.add_argument(
        "--vocabulary", type=_terms, default=(), metavar="WORDS", help='names that may be said, e.g. "Ada, Oakley"'
    )
    one.add_argument("--speech-language", metavar="CODE", help="what is spoken, e.g. en (default: found by listening)")
    _add_rendering(one, said_by_file="")
    one.set_defaults(render="auto")
    motion = MotionOptions()
    one.add_argument(
        "--pad-before-s",
        type=float,
        default=motion.pad_before_s,
        metavar="N",
        help="seconds kept before a movement (default: %(default)g)",
    )
    one.add_argument(
        "--pad-after-s",
        type=float,
        default=motion.pad_after_s,
        metavar="N",
        help="seconds kept after a movement (default: %(default)g)",
    )
    one.add_argument(
        "--chunk-s",
        type=float,
        default=Options().chunk_s,
        metavar="N",
        help="seconds of source per task; never changes the result",
    )
    one.add_argument(
        "--on-nothing-found", choices=("fallback", "fail"), default="fallback", help="ten lively seconds, or an error"
    )
    _add_manner(one)


def _add_render(one: argparse.ArgumentParser) -> None:
    one.add_argument("video", metavar="VIDEO", help="a name that begins with - goes after --")
    one.add_argument(
        "--edit-list",
        required=True,
        metavar="FILE",
        help="report.json of a run, the edit_list in it, or a list of clips; - reads standard input",
    )
    _add_rendering(one, said_by_file="as FILE says, or ")
    _add_manner(one)


def _add_rendering(one: argparse.ArgumentParser, *, said_by_file: str) -> None:
    """Add what shapes the reel; of what a file may say the default is None."""
    one.add_argument(
        "--render",
        choices=("auto", "copy", "encode"),
        help=f"copy the stream on keyframes, or encode with exact cuts (default: {said_by_file}auto)",
    )
    one.add_argument(
        "--quality",
        choices=("draft", "standard", "high"),
        default=Options().quality,
        help="of an encoded picture (default: %(default)s)",
    )
    one.add_argument(
        "--join",
        choices=("cut", "crossfade", "dip"),
        help=f"how a clip gives way to the next; dip goes through black (default: {said_by_file}cut)",
    )
    one.add_argument(
        "--join-s",
        type=float,
        metavar="N",
        help=f"how long that takes, in seconds (default: {said_by_file}{Join().duration_s:g})",
    )
    one.add_argument(
        "--loudness",
        choices=("normalise", "keep"),
        default=Options().loudness,
        help="normalise to -14 LUFS, or keep what was recorded (default: %(default)s)",
    )
    one.add_argument("--audio-language", metavar="CODE", help="which sound track, e.g. eng (default: the file's own)")


def _add_manner(one: argparse.ArgumentParser) -> None:
    """Add how the command goes about it, which never changes the reel."""
    one.add_argument("--out", default="out", metavar="DIR", help="results go to DIR/<stem>/ (default: out)")
    one.add_argument("--workers", type=_count, metavar="N", help="tasks at once (default: one per core)")
    one.add_argument("--quiet", action="store_true", help="print errors only")
    one.add_argument("--open", action="store_true", help="open the reel when it is done")


def _add_serve(one: argparse.ArgumentParser) -> None:
    one.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen there; beyond this machine only with --require-keys (default: %(default)s)",
    )
    one.add_argument("--port", type=_port, default=8080, metavar="N", help="0: any (default: %(default)s)")
    one.add_argument("--require-keys", action="store_true", help="callers must show a key (montage keys create)")
    one.add_argument("--workers", type=_count, metavar="N", help="tasks at once (default: one per core)")
    one.add_argument("--open", action="store_true", help="open the page in the browser")


def _usage(made: argparse.ArgumentParser) -> Command:
    def usage(_: argparse.Namespace) -> int:
        made.print_help(sys.stderr)
        return BAD_INPUT

    return usage
