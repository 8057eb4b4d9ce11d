import json
import os
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from functions.local.dead_letters import add_dead_letters, dead_letters
from shared.connect import LocalCloud, connect_local
from shared.domain.messages import DeadLetter
from shared.settings import Settings

Command = Callable[..., int]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def cloud(settings: Settings) -> Iterator[LocalCloud]:
    with connect_local(settings) as cloud:
        yield cloud


@pytest.fixture
def command(settings: Settings) -> Command:
    def run(*words: str) -> int:
        parser = ArgumentParser()
        parser.add_argument("--json", action="store_true")
        add_dead_letters(parser)
        return dead_letters(parser.parse_args(words), settings)

    return run


def bury(cloud: LocalCloud, body: str) -> None:
    cloud.bus.publish(DeadLetter(code="bad_message", reason="No\x1b.", original_topic="job-requests", body=body))


def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_nothing_is_said_to_be_nothing(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 0
    assert capsys.readouterr().out == "No dead letters.\n"
    assert command("--json") == 0
    assert shown(capsys) == []


def test_letters_are_listed_for_people_and_for_programs(
    cloud: LocalCloud, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    bury(cloud, "x" * 500)
    assert command("list") == 0
    said = capsys.readouterr().out
    assert "job-requests  No?. [bad_message]" in said and "\x1b" not in said
    assert max(map(len, said.splitlines())) < 200
    assert command("list", "--json") == 0
    (one,) = shown(capsys)
    assert {key: one[key] for key in ("code", "reason", "original_topic", "body")} == {
        "code": "bad_message", "reason": "No\x1b.", "original_topic": "job-requests", "body": "x" * 500,
    }  # fmt: skip
    assert isinstance(one["id"], str) and isinstance(one["at"], float)


def test_one_or_all_are_replayed_and_what_is_not_there_is_said(
    cloud: LocalCloud, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    for body in "abc":
        bury(cloud, body)
    command("--json")
    first = shown(capsys)[0]["id"]
    assert command("--json", "replay", first) == 0
    assert shown(capsys) == {"replayed": [first], "not_replayed": []}
    assert command("--json", "replay", first) == 2
    assert shown(capsys) == {"replayed": [], "not_replayed": [first]}
    assert command("replay") == 0
    assert capsys.readouterr().out == "Replayed 2.\n"
    delivery = cloud.deliveries.take()
    assert delivery is not None and (delivery.topic, delivery.body) == ("job-requests", "a")


def test_the_montage_command_knows_it(cloud: LocalCloud, tmp_path: Path) -> None:
    bury(cloud, "{")
    words = [sys.executable, "-m", "functions.local.montage", "dead-letters", "list", "--json"]
    environment = {**os.environ, "MONTAGE_HOME": str(tmp_path)}
    answer = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(answer.stdout)[0]["body"] == "{"
