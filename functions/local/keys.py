"""`montage keys`: who may call the HTTP API, on this machine or on the cloud that the settings name."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, TypeVar

from functions.local.outcome import OK
from functions.printable import printable
from shared.connect import connect_keys
from shared.domain.api_key import (
    SCOPES,
    ApiKey,
    Scope,
    checked_owner,
    checked_scopes,
    hash_of,
    is_key,
    new_key,
)
from shared.errors import BadRequest, NotFound
from shared.ports import KeyStore
from shared.settings import Settings

T = TypeVar("T")

LONGEST_NAME = 100
SHORTEST_PREFIX = 4
"""Of a key's id, to be taken for it."""


def add_keys(parser: argparse.ArgumentParser) -> None:
    """Give the command's parser its own words."""
    added = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, words: str) -> argparse.ArgumentParser:
        one: argparse.ArgumentParser = added.add_parser(name, help=words, description=words, allow_abbrev=False)
        one.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help="print JSON")
        return one

    create = add("create", "make a key and print it, this once")
    create.add_argument("owner", type=_told(checked_owner), metavar="OWNER", help="whose jobs it makes and sees")
    create.add_argument("--name", type=_told(_name), default="", metavar="N", help="to tell it from the owner's others")
    create.add_argument(
        "--scopes",
        type=_told(_scopes),
        default=("upload", "read"),
        metavar="WORDS",
        help=f"what it may do, of {','.join(SCOPES)} (default: upload,read)",
    )
    listing = add("list", "list keys, oldest first")
    listing.add_argument("owner", nargs="?", metavar="OWNER", help="only this owner's")
    revoke = add("revoke", "end a key; every process heeds that within seconds")
    revoke.add_argument("key", metavar="ID", help="as `list` shows it, or its first letters, or the key itself")


def keys(arguments: argparse.Namespace, settings: Settings) -> int:
    """`montage keys create|list|revoke`. Raises NotFound `unknown_key`, BadRequest `ambiguous_key`."""
    with closing(connect_keys(settings)) as store:
        match arguments.action:
            case "create":
                _create(store, arguments)
            case "list":
                _show(store.list(arguments.owner), is_json=arguments.json)
            case _:
                _revoke(store, arguments)
    return OK


def _create(store: KeyStore, arguments: argparse.Namespace) -> None:
    key = new_key()
    made = ApiKey(
        sha256=hash_of(key),
        owner=arguments.owner,
        name=arguments.name,
        created_at=time.time(),
        scopes=arguments.scopes,
    )
    store.add(made)
    if arguments.json:
        _print_json({**_told_of(made), "key": key})
        return
    print(key)
    may = ", ".join(made.scopes)
    print(f"Key {made.id} of {made.owner} ({may}): keep it now; only its hash is stored.", file=sys.stderr)


def _revoke(store: KeyStore, arguments: argparse.Namespace) -> None:
    gone = store.revoke(_hash_called(store, arguments.key), at=time.time())
    if arguments.json:
        _print_json(_told_of(gone))
    else:
        print(f"Revoked key {gone.id} of {gone.owner}.")


def _hash_called(store: KeyStore, words: str) -> str:
    """Return the hash of the key itself, or of the only key whose id begins like that."""
    if is_key(words):
        return hash_of(words)
    found = [each for each in store.list() if len(words) >= SHORTEST_PREFIX and each.sha256.startswith(words)]
    if len(found) > 1:
        raise BadRequest("ambiguous_key", f"{len(found)} keys begin with {words}; type more of the one you mean.")
    if not found:
        raise NotFound(f"There is no key {words[:64]}; `montage keys list` shows their ids.", code="unknown_key")
    return found[0].sha256


def _show(found: Sequence[ApiKey], *, is_json: bool) -> None:
    if is_json:
        _print_json([_told_of(key) for key in found])
        return
    for key in found:
        ended = "" if key.revoked_at is None else f"  revoked {_minute(key.revoked_at)}"
        words = f"{key.id}  {_minute(key.created_at)}  {key.owner}  {','.join(key.scopes)}  {key.name}"
        print(printable(f"{words.rstrip()}{ended}"))
    if not found:
        print("No keys; `montage keys create OWNER` makes one.")


def _told_of(key: ApiKey) -> dict[str, Any]:
    return {
        "id": key.id,
        "owner": key.owner,
        "name": key.name,
        "scopes": list(key.scopes),
        "created_at": key.created_at,
        "revoked_at": key.revoked_at,
    }


def _minute(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _name(text: str) -> str:
    if len(text) > LONGEST_NAME or not text.isprintable():
        raise ValueError(f"a key's name has at most {LONGEST_NAME} characters, all of them printable")
    return text


def _scopes(text: str) -> tuple[Scope, ...]:
    return checked_scopes([word.strip() for word in text.split(",") if word.strip()])


def _told(check: Callable[[str], T]) -> Callable[[str], T]:
    """Return the check with its sentence told, which argparse does for an error of its own alone."""

    def checked(text: str) -> T:
        try:
            return check(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return checked


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2))
