"""What decides which job requests are heard."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from shared.connect import connect_google, connect_local
from shared.errors import MontageError
from shared.settings import GoogleSettings, Settings

GOOGLE = GoogleSettings(
    project="p",
    region="r",
    uploads_bucket="u",
    work_bucket="w",
    downloads_bucket="d",
    request_buckets="footage, archive,",
    storage_emulator_host="http://127.0.0.1:9",  # nobody is asked
    firestore_emulator_host="127.0.0.1:9",
    pubsub_emulator_host="127.0.0.1:9",
    run_emulator_host="127.0.0.1:9",
)


def test_folders_are_named_like_buckets(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, request_folders="footage=/data/footage, mine = /data/a b")
    with connect_local(settings) as cloud:
        assert cloud.requests.buckets == {"footage", "mine"}
    assert settings.folders_of_requests == {"footage": Path("/data/footage"), "mine": Path("/data/a b")}
    assert Settings(home=tmp_path).folders_of_requests == {}


@pytest.mark.parametrize("text", ["/data", "footage=", "=/data"])
def test_folders_without_a_name_or_a_place_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValidationError, match="name=folder"):
        Settings(home=tmp_path, request_folders=text)


def test_a_key_that_is_set_is_the_key_and_no_task_is_given_it(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, server_key=SecretStr("secret"))
    with connect_local(settings) as cloud:
        assert cloud.requests.server_key() == b"secret"
    assert not (tmp_path / "server.key").exists()
    assert "secret" not in repr(settings)
    assert not [name for name in settings.as_environment() if "SERVER_KEY" in name]
    assert "None" not in settings.as_environment().values()


def test_google_hears_what_its_list_allows_and_needs_a_key() -> None:
    rules = connect_google(Settings(cloud="gcp", google=GOOGLE)).requests
    assert rules.buckets == {"footage", "archive"}
    with pytest.raises(MontageError, match="MONTAGE_SERVER_KEY") as caught:
        rules.server_key()
    assert caught.value.code == "not_configured"
