"""What `montage serve` decides before it listens, and how its pump bears trouble."""

import socket
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from functions.local.cli import main
from functions.local.event_pump import EventPump
from functions.local.server import PumpThread, _check_doors, _listening, _reached_at, _say_how_to_be_reached, _settled
from shared.connect import connect_keys
from shared.domain.api_key import ApiKey
from shared.errors import MontageError
from shared.settings import Settings


def code_of(act: Callable[[], Any]) -> str | None:
    try:
        act()
    except MontageError as error:
        return error.code
    return None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_others_are_listened_to_only_when_keys_are_asked_for_and_one_exists(tmp_path: Path, host: str) -> None:
    free, keyed = Settings(home=tmp_path), Settings(home=tmp_path, require_keys=True)
    assert code_of(lambda: _check_doors(host, free)) == "keys_required"
    assert code_of(lambda: _check_doors(host, keyed)) == "keys_required"
    with closing(connect_keys(keyed)) as keys:
        keys.add(ApiKey(sha256="a" * 64, owner="ana", name="", created_at=1.0))
        assert code_of(lambda: _check_doors(host, keyed)) is None
        assert code_of(lambda: _check_doors(host, free)) == "keys_required"
        keys.revoke("a" * 64, at=2.0)
        assert code_of(lambda: _check_doors(host, keyed)) == "keys_required"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_this_machine_is_listened_to_without_keys(
    tmp_path: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _check_doors(host, Settings(home=tmp_path))
    _check_doors(host, Settings(home=tmp_path, require_keys=True))
    assert "montage keys create" in capsys.readouterr().err


def test_what_cannot_be_listened_on_is_said(tmp_path: Path) -> None:
    with closing(_listening("127.0.0.1", 0)) as taken:
        assert code_of(lambda: _listening("127.0.0.1", taken.getsockname()[1])) == "port_taken"
    assert code_of(lambda: _listening("192.0.2.1", 0)) == "cannot_listen"
    assert code_of(lambda: _check_doors("no such host", Settings(home=tmp_path))) == "cannot_listen"


def test_another_cloud_is_not_served_from_here(tmp_path: Path) -> None:
    arguments = cast(Any, None)
    assert code_of(lambda: _settled(arguments, Settings(home=tmp_path, cloud="gcp"))) == "not_one_machine"


def test_the_server_answers_to_its_own_address() -> None:
    reached = _reached_at(Settings(allowed_hosts="montage.example"), "192.0.2.1", 8081)
    assert reached.allowed_hosts == "montage.example,192.0.2.1"
    assert "http://localhost:8081,http://127.0.0.1:8081,http://[::1]:8081" in reached.allowed_origins
    assert _reached_at(Settings(), "0.0.0.0", 8081).allowed_hosts == ""
    assert _reached_at(Settings(), "::1", 8081).allowed_hosts == "[::1]"


def test_the_server_answers_to_the_name_by_which_others_know_it() -> None:
    reached = _reached_at(Settings(public_url="https://Montage.example/"), "0.0.0.0", 8081)
    assert (reached.allowed_hosts, reached.public_url) == ("montage.example", "https://Montage.example/")
    assert _reached_at(Settings(public_url="http://[2001:db8::1]:8081"), "::", 8081).allowed_hosts == "[2001:db8::1]"


def test_who_listens_to_others_without_a_name_is_told_what_they_need(capsys: pytest.CaptureFixture[str]) -> None:
    _say_how_to_be_reached("127.0.0.1", 8081, Settings())
    _say_how_to_be_reached("0.0.0.0", 8081, Settings(public_url="https://montage.example"))
    assert capsys.readouterr().err == ""
    _say_how_to_be_reached("0.0.0.0", 8081, Settings())
    assert ":8081" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("WORKERS", "0", "MONTAGE_WORKERS: Input should be greater than or equal to 1."),
        ("PUBLIC_URL", "montage.example", "the form is http://montage.example:8080."),
        ("ALLOWED_ORIGINS", "*", "MONTAGE_ALLOWED_ORIGINS: * is no origin: the form is https://club.example"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named_with_the_form_it_should_have(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(f"MONTAGE_{name}", value)
    assert main(["serve"]) == 2
    said = capsys.readouterr().err
    assert sentence in said and "Value error" not in said


class Steps:
    """A pump whose steps are given."""

    def __init__(self, *steps: BaseException | bool) -> None:
        self.left = list(steps)

    def step(self) -> bool:
        step = self.left.pop(0) if self.left else False
        if isinstance(step, BaseException):
            raise step
        return step


def started(steps: Steps, *, prepare: Callable[[], None] = lambda: None) -> tuple[PumpThread, threading.Event]:
    dead = threading.Event()
    thread = PumpThread(cast(EventPump, steps), prepare=prepare, on_death=dead.set)
    thread.start()
    return thread, dead


def test_a_pump_goes_on_whatever_its_steps_meet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.local.server.AFTER_TROUBLE_S", 0.01)

    def fail() -> None:
        raise OSError("no network")

    steps = Steps(True, ValueError("a bug"), MemoryError(), True, OSError(28, "No space left"), True)
    thread, dead = started(steps, prepare=fail)
    give_up_at = time.monotonic() + 5
    while steps.left and time.monotonic() < give_up_at:
        time.sleep(0.01)
    thread.end()
    assert not steps.left
    assert not dead.is_set() and not thread.has_died


def test_a_pump_that_ends_unasked_is_told_of() -> None:
    thread, dead = started(Steps(True, SystemExit()))
    assert dead.wait(5)
    assert thread.has_died


def test_a_step_that_takes_its_time_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.local.server.PUMP_GRACE_S", 0.05)
    release = threading.Event()
    thread, dead = started(Steps(), prepare=lambda: cast(None, release.wait(5)))
    began = time.monotonic()
    thread.end()
    assert time.monotonic() - began < 2
    release.set()
    assert not dead.is_set()


def test_an_ipv6_address_can_be_listened_on() -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        listener = _listening("::1", 0)
    except MontageError:
        pytest.skip("no IPv6 here")
    with closing(listener):
        assert listener.family == socket.AF_INET6


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_in_two_pieces_does_not_wait_for_its_caller(host: str) -> None:
    try:
        listener = _listening(host, 0)
    except MontageError:
        pytest.skip(f"this machine has no {host}")
    with closing(listener), socket.create_connection(listener.getsockname()[:2], timeout=5) as there:
        accepted, _ = listener.accept()
        with accepted:
            began = time.monotonic()
            for _ in range(10):  # 40 ms each where the second piece waits until the first is acknowledged
                there.sendall(b"?")
                accepted.recv(1)
                accepted.sendall(b"head")
                accepted.sendall(b"body")
                while there.recv(8) not in (b"body", b"headbody"):
                    pass
            assert time.monotonic() - began < 0.3
