import os

import pytest
from pydantic import ValidationError

from shared.adapters.local.upload_sessions import LIFE_S
from shared.domain.tombstone import TOMBSTONE_S
from shared.settings import Settings


def test_a_machine_shares_its_cores_among_its_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert Settings(workers=2).threads_per_task == 4
    assert Settings(workers=16).threads_per_task == 1


def test_a_container_of_the_cloud_has_one_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setenv("MONTAGE_CLOUD", "gcp")
    assert Settings().threads_per_task == 4


def test_keys_are_asked_for_in_the_cloud_and_on_one_machine_when_wanted() -> None:
    assert not Settings().needs_keys
    assert Settings(require_keys=True).needs_keys
    assert Settings(cloud="gcp").needs_keys
    assert not Settings(cloud="gcp", require_keys=False).needs_keys


@pytest.mark.parametrize("text", ["club.example", "https://club.example/", "*", "ftp://a", "https://a:b", "null"])
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        Settings(allowed_origins=f"https://ok.example,{text}")


@pytest.mark.parametrize("text", ["a:80", "http://a", "*", "a/b", "-"])
def test_what_is_no_host_s_name_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is no host"):
        Settings(allowed_hosts=text)


def test_origins_and_hosts_are_compared_in_lower_case() -> None:
    settings = Settings(
        allowed_origins="https://Club.example:8443, http://[::1]:80", allowed_hosts="Club.example,[::1]"
    )
    assert settings.allowed_origins == "https://club.example:8443, http://[::1]:80"
    assert settings.allowed_hosts == "club.example,[::1]"


def test_no_upload_can_outlive_the_memory_of_an_erased_job() -> None:
    longest_s = TOMBSTONE_S - LIFE_S
    assert Settings(upload_url_expires_s=int(longest_s)).upload_url_expires_s == longest_s
    with pytest.raises(ValidationError):
        Settings(upload_url_expires_s=int(longest_s) + 1)
