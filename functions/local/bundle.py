"""Stage the Cloud Functions as they are deployed: main.py beside functions/, shared/ and the lock.

Runs on any Python without anything installed: python functions/local/bundle.py build/functions
"""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AT_THE_ROOT = ("functions/main.py", "functions/requirements.txt")  # where the builder looks for them
LEFT_OUT = ("functions/local", *AT_THE_ROOT)
KINDS = {".py", ".toml", ".sql", ".json", ".html", ".css", ".js", ".svg", ".typed"}
"""What pyproject.toml's package-data names; what an editor or a test leaves lying about stays here."""


def stage(target: Path, *, root: Path = ROOT) -> int:
    """Make the folder anew, with the same bytes and rights wherever it is made, and return how many files it has."""
    if target.exists() and not (target / "main.py").exists() and any(target.iterdir()):
        raise SystemExit(f"{target} is no bundle of ours, and is not empty: it would be removed.")
    shutil.rmtree(target, ignore_errors=True)
    files = {root / name: target / Path(name).name for name in AT_THE_ROOT}
    files |= {path: target / path.relative_to(root) for path in _packages(root)}
    for source, copy in files.items():
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        copy.chmod(0o644)
    return len(files)


def _packages(root: Path) -> Iterator[Path]:
    for top in ("functions", "shared"):
        for path in sorted((root / top).rglob("*")):
            name = path.relative_to(root).as_posix()
            left_out = any(name == each or name.startswith(f"{each}/") for each in LEFT_OUT)
            if path.is_file() and path.suffix in KINDS and not left_out:
                yield path


if __name__ == "__main__":
    bundle = Path(sys.argv[1])
    print(f"{stage(bundle)} files in {bundle}")
