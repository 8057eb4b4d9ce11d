"""What every KeyStore does. An adapter joins with a subclass whose fixture `make` returns clients of one store."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from shared.domain.api_key import ApiKey
from shared.errors import NotFound
from shared.ports import KeyStore
from tests.contracts.racing import race_in_threads

Make = Callable[[], KeyStore]
"""Returns one more client of the test's own store, empty at first."""


def new_key(digit: str = "a", *, owner: str = "someone", created_at: float = 1.0) -> ApiKey:
    return ApiKey(sha256=digit * 64, owner=owner, name="laptop", created_at=created_at)


class KeyStoreContract:
    """Claims about one store of keys."""

    @pytest.fixture
    def keys(self, make: Make) -> KeyStore:
        """A store that holds one key."""
        store = make()
        assert store.add(new_key())
        return store

    def test_a_key_is_found_by_its_hash(self, make: Make, keys: KeyStore) -> None:
        assert make().find("a" * 64) == new_key()

    @pytest.mark.parametrize("sha256", ["b" * 64, "a" * 63, "A" * 64, "", "..", "a/b/c", "__a__"])
    def test_a_hash_nobody_added_is_not_found(self, keys: KeyStore, sha256: str) -> None:
        assert keys.find(sha256) is None
        with pytest.raises(NotFound):
            keys.revoke(sha256, at=2.0)

    def test_adding_a_key_twice_changes_nothing(self, keys: KeyStore) -> None:
        assert not keys.add(replace(new_key(), owner="intruder"))
        assert keys.find("a" * 64) == new_key()
        assert keys.list("intruder") == []

    def test_one_of_8_threads_adds_the_key(self, make: Make) -> None:
        answers = race_in_threads(8, lambda number: make().add(new_key("c", owner=str(number))))
        assert answers.count(True) == 1
        found = make().find("c" * 64)
        assert found is not None and found.owner == str(answers.index(True))

    def test_an_owner_s_keys_are_listed_oldest_first(self, keys: KeyStore) -> None:
        for digit, owner, created_at in (("d", "someone", 3.0), ("f", "someone", 0.5), ("e", "else", 2.0)):
            keys.add(new_key(digit, owner=owner, created_at=created_at))
        assert [key.sha256[0] for key in keys.list("someone")] == ["f", "a", "d"]
        assert keys.list("nobody") == []
        assert [key.sha256[0] for key in keys.list()] == ["f", "a", "e", "d"]

    def test_a_revoked_key_stays_on_record(self, make: Make, keys: KeyStore) -> None:
        gone = replace(new_key(), revoked_at=2.5)
        assert keys.revoke("a" * 64, at=2.5) == gone
        assert make().find("a" * 64) == gone
        assert keys.list("someone") == [gone]
        assert not keys.add(new_key())

    def test_revoking_again_keeps_the_first_time(self, keys: KeyStore) -> None:
        keys.revoke("a" * 64, at=2.5)
        assert keys.revoke("a" * 64, at=9.0).revoked_at == 2.5
        assert [key.revoked_at for key in keys.list("someone")] == [2.5]
