import re
from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.attachment import MAX_CHARS, attachment


def names(file_name: str) -> tuple[str, str]:
    """Return the name for old programs and the one for all others."""
    match = re.fullmatch(r"attachment; filename=\"([^\"]*)\"; filename\*=UTF-8''([^ ]*)", attachment(file_name))
    assert match
    return match.group(1), unquote(match.group(2), errors="strict")


@pytest.mark.parametrize(
    ("file_name", "ascii_name", "name"),
    [
        ("My ride.mp4", "My ride.mp4", "My ride.mp4"),
        ('the "best" of.mp4', "the _best_ of.mp4", 'the "best" of.mp4'),
        ("Fußgänger 名前.mp4", "Fu_g_nger __.mp4", "Fußgänger 名前.mp4"),
        ("a\r\nSet-Cookie: b=c", "a__Set-Cookie_ b=c", "a__Set-Cookie_ b=c"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("C:\\films\\a.mp4", "C__films_a.mp4", "C__films_a.mp4"),
        ("100%41.mp4", "100_41.mp4", "100%41.mp4"),
        ("cute\u202e4pm.exe", "cute_4pm.exe", "cute_4pm.exe"),
        ("हिन्दी क\u200dष.mp4", "______ ___.mp4", "हिन्दी क\u200dष.mp4"),
        ("", "download", "download"),
        (" .. ", "download", "download"),
    ],
)
def test_a_file_name_survives_as_far_as_it_is_safe(file_name: str, ascii_name: str, name: str) -> None:
    assert names(file_name) == (ascii_name, name)


def test_a_long_name_keeps_its_ending() -> None:
    assert names("x" * 1000 + ".mp4")[1] == "x" * (MAX_CHARS - 4) + ".mp4"
    assert names("x" * 1000)[1] == "x" * MAX_CHARS
    assert names("." + "x" * 1000)[1] == "x" * MAX_CHARS


@given(st.text(st.characters(), max_size=300))
def test_any_name_makes_one_header_that_others_read_alike(file_name: str) -> None:
    value = attachment(file_name)
    assert value.isascii() and value.isprintable()
    _, name = names(file_name)
    assert name and not set(name) & set("/\\\r\n\0")
    message = Message()
    message["Content-Disposition"] = value.split("; filename=")[0] + "; " + value.split("; ")[-1]
    assert message.get_filename() == name
