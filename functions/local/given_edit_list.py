"""Read the file of an edit list: a run's report, the edit list in it, or a bare list of clips."""

import codecs
import json
import os
import sys
from pathlib import Path
from typing import Any

from functions.edit_list_body import FORMS, AskedFor, asked_for, refuse
from functions.printable import printable
from shared.errors import BadRequest

STANDARD_INPUT = "-"
MOST_BYTES = 64 * 1024 * 1024  # a report with so many clips has about 3 MiB
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_edit_list(file: str) -> AskedFor:
    """Return what the file asks for; "-" is standard input.

    Raises BadRequest with a sentence: `no_such_file` or `cannot_read` when the file cannot be read, `bad_edit_list`
    for what is wrong inside.
    """
    name = "standard input" if file == STANDARD_INPUT else printable(os.fsencode(file).decode(errors="replace"))
    data = _content(file, name)
    if len(data) > MOST_BYTES:
        refuse(name, f"is larger than {MOST_BYTES // 1024**2} MiB, which no edit list is.")
    return asked_for(_parsed(data, name), name)


def _content(file: str, name: str) -> bytes:
    try:
        if file == STANDARD_INPUT:
            return sys.stdin.buffer.read(MOST_BYTES + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise BadRequest("no_such_file", f"{name}: there is no such file.") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise BadRequest("cannot_read", f"{name}: cannot be read ({reason}).") from error


def _parsed(data: bytes, name: str) -> Any:
    """Return the JSON value in the bytes, whatever mark an editor put in front."""
    encoding = next((each for mark, each in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return json.loads(data.decode(encoding))
    except UnicodeDecodeError:
        refuse(name, "is no JSON: not even text.")
    except json.JSONDecodeError as error:
        refuse(name, f"is no JSON: {error.msg} in line {error.lineno}, column {error.colno}.")
    except (RecursionError, ValueError):  # brackets in brackets without end, or a number of thousands of digits
        refuse(name, f"is no edit list; give {FORMS}.")
