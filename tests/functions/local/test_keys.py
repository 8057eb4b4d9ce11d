import json
from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from functions.local.keys import add_keys, keys
from shared.connect import connect_keys
from shared.domain.api_key import ApiKey, hash_of, is_key
from shared.errors import BadRequest, MontageError, NotFound
from shared.settings import Settings

Command = Callable[..., int]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def command(settings: Settings) -> Command:
    def run(*words: str) -> int:
        parser = ArgumentParser()
        parser.add_argument("--json", action="store_true")
        add_keys(parser)
        return keys(parser.parse_args(words), settings)

    return run


def shown(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_key_is_printed_once_and_kept_as_a_hash(
    command: Command, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("create", "ana", "--name", "phone") == 0
    said = capsys.readouterr()
    key = said.out.strip()
    assert is_key(key) and key not in said.err
    found = connect_keys(settings).find(hash_of(key))
    assert found is not None
    assert (found.owner, found.name, found.scopes) == ("ana", "phone", ("upload", "read"))
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]
    command("list")
    assert key not in (listed := capsys.readouterr().out) and found.id in listed


def test_keys_are_listed_for_people_and_for_programs(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("list") == 0
    assert "No keys" in capsys.readouterr().out
    for owner, scopes in (("ana", "read"), ("ben", "admin, read")):
        command("create", owner, "--json", "--scopes", scopes)
    capsys.readouterr()
    command("list", "--json")
    both = shown(capsys)
    assert [(each["owner"], each["scopes"]) for each in both] == [("ana", ["read"]), ("ben", ["read", "admin"])]
    assert set(both[0]) == {"id", "owner", "name", "scopes", "created_at", "revoked_at"}
    assert command("--json", "list", "ben") == 0
    assert shown(capsys) == both[1:]


@pytest.mark.parametrize("how", ["id", "prefix", "key"])
def test_a_key_is_revoked_by_its_id_or_by_itself(
    command: Command, settings: Settings, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command("create", "ana", "--json")
    made = shown(capsys)
    assert command("revoke", {"id": made["id"], "prefix": made["id"][:4], "key": made["key"]}[how]) == 0
    found = connect_keys(settings).find(hash_of(made["key"]))
    assert found is not None and found.revoked_at is not None
    capsys.readouterr()
    command("list")
    assert "revoked" in capsys.readouterr().out


def test_a_key_that_is_not_there_or_not_the_only_one_is_not_revoked(command: Command, settings: Settings) -> None:
    store = connect_keys(settings)
    for digit in "ab":
        store.add(ApiKey(sha256="1234" + digit * 60, owner="ana", name="", created_at=1.0))
    with pytest.raises(BadRequest) as several:
        command("revoke", "1234")
    assert several.value.code == "ambiguous_key"
    for word in ("ffff", "1", "", "%"):
        with pytest.raises(NotFound) as none:
            command("revoke", word)
        assert none.value.code == "unknown_key"


@pytest.mark.parametrize(
    "words",
    [
        ["create", "Ana"], ["create", "../ana"], ["create", ""], ["create", "a" * 64],
        ["create", "ana", "--scopes", "write"], ["create", "ana", "--scopes", ","],
        ["create", "ana", "--name", "a\x1b"], [],
    ],
)  # fmt: skip
def test_what_makes_no_key_is_refused(command: Command, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command(*words)
    assert ended.value.code == 2


def test_keys_in_the_cloud_need_a_project() -> None:
    with pytest.raises(MontageError, match="MONTAGE_GOOGLE_PROJECT"):
        connect_keys(Settings(cloud="gcp"))
