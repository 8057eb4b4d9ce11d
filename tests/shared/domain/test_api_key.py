import pytest

from shared.domain.api_key import ApiKey, checked_owner, checked_scopes, hash_of, is_key, new_key


def test_a_new_key_is_long_and_never_the_same() -> None:
    made = {new_key() for _ in range(100)}
    assert len(made) == 100
    assert all(is_key(key) and len(key) == len("montage_") + 43 for key in made)


@pytest.mark.parametrize("text", ["", "montage_", "montage_" + "a" * 42, "montage_" + "a" * 44, "montage_" + "é" * 43,
                                  "Montage_" + "a" * 43, "montage_" + "a" * 43 + "\n"])  # fmt: skip
def test_other_texts_are_no_keys(text: str) -> None:
    assert not is_key(text)


def test_a_key_is_stored_as_its_sha256() -> None:
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert ApiKey(sha256=hash_of("abc"), owner="ana", name="", created_at=0.0).id == "ba7816bf8f01"


@pytest.mark.parametrize("owner", ["a", "0", "ana.b_c-d", "a" * 63])
def test_owners_have_plain_names(owner: str) -> None:
    assert checked_owner(owner) == owner


@pytest.mark.parametrize("owner", ["", "Ana", "-a", ".a", "a/b", "a" * 64, "ä", "a\n"])
def test_other_owners_are_refused(owner: str) -> None:
    with pytest.raises(ValueError, match="no owner's name"):
        checked_owner(owner)


def test_scopes_come_in_their_usual_order_each_once() -> None:
    assert checked_scopes(["read", "upload", "read"]) == ("upload", "read")
    for wrong in (["write"], []):
        with pytest.raises(ValueError, match="scopes are upload, read, admin"):
            checked_scopes(wrong)
