"""The manifest as it stands, and what it refuses."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.errors import MontageError
from shared.models.manifest import ModelFile, UrlSource, WheelSource, find_model, read_manifest

GOOD = """
[tiny]
path = "tiny/model.bin"
sha256 = "{sha256}"
size_bytes = 3
licence = "MIT"
[[tiny.sources]]
kind = "{kind}"
url = "https://models.invalid/tiny"
"""


def written(folder: Path, *, sha256: str = "a" * 64, kind: str = "url", **swap: str) -> Path:
    path = folder / "manifest.toml"
    text = GOOD.format(sha256=sha256, kind=kind)
    for old, new in swap.items():
        text = text.replace(old, new)
    path.write_text(text, "utf-8")
    return path


def test_the_pose_model_comes_from_its_vendor_first_and_from_a_package_index_next() -> None:
    pose = find_model("pose_landmarker_full")
    assert [type(source) for source in pose.sources] == [UrlSource, WheelSource]
    assert pose.size_bytes == 9_398_198
    assert pose.sha256.startswith("4eaa5eb7")


def test_only_vendors_addresses_are_written_down() -> None:
    urls = [source for model in read_manifest().values() for source in model.sources if source.kind == "url"]
    assert {source.label for source in urls} == {"storage.googleapis.com"}


def test_a_model_is_read_with_its_name(tmp_path: Path) -> None:
    tiny = read_manifest(written(tmp_path))["tiny"]
    assert tiny == ModelFile(
        name="tiny",
        path="tiny/model.bin",
        sha256="a" * 64,
        size_bytes=3,
        licence="MIT",
        sources=(UrlSource(url="https://models.invalid/tiny"),),
    )


@pytest.mark.parametrize(
    "path_or_hash",
    [{"sha256": "a" * 63}, {"sha256": "A" * 64}, {"kind": "torrent"}, {"tiny/model.bin": "../model.bin"}],
)
def test_a_broken_entry_is_refused(tmp_path: Path, path_or_hash: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        read_manifest(written(tmp_path, **path_or_hash))


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(MontageError) as caught:
        find_model("pose_landmarker_huge")
    assert caught.value.code == "model_unknown"
    assert "pose_landmarker_full" in caught.value.message
