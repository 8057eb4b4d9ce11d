"""`montage dead-letters`: look at the messages that could not be handled, and have them handled again."""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from typing import Any

from functions.local.outcome import BAD_INPUT, OK
from functions.printable import printable
from shared.connect import connect_dead_letters
from shared.ports import KeptLetter
from shared.settings import Settings

SHOWN_CHARACTERS = 160  # of a body, on a line of its own


def add_dead_letters(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its own words."""
    parser.add_argument("action", nargs="?", choices=("list", "replay"), default="list")
    parser.add_argument("ids", nargs="*", metavar="ID", help="letters to replay (default: all)")


def dead_letters(arguments: argparse.Namespace, settings: Settings) -> int:
    """`montage dead-letters [list|replay [ID...]]`, on this machine or on the cloud that the settings name."""
    with closing(connect_dead_letters(settings)) as letters:
        if arguments.action == "list":
            _show(letters.list(), is_json=arguments.json)
            return OK
        replayed = letters.replay(arguments.ids or None)
    left = sorted(set(arguments.ids) - set(replayed))
    if arguments.json:
        _print_json({"replayed": list(replayed), "not_replayed": left})
    else:
        print(f"Replayed {len(replayed)}.")
        if left:
            print(f"No letter that can be replayed: {', '.join(map(printable, left))}.", file=sys.stderr)
    return BAD_INPUT if left else OK


def _show(found: Sequence[KeptLetter], *, is_json: bool) -> None:
    if is_json:
        _print_json([{"id": kept.id, "at": kept.at, **kept.letter.model_dump(exclude={"topic"})} for kept in found])
        return
    for kept in found:
        letter = kept.letter
        at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(kept.at))
        print(printable(f"{kept.id}  {at}  {letter.original_topic}  {letter.reason} [{letter.code}]"))
        print(printable(f"    {letter.body[:SHOWN_CHARACTERS]}"))
    if not found:
        print("No dead letters.")


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
