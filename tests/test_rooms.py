"""Who may import whom: the table of the design, stated once and held against the code."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "functions": {"functions", "shared"},
    "jobs": {"jobs", "shared"},
    "shared.domain": {"shared.domain"},
    "shared.media": {"shared.media", "shared.domain", "shared.log", "shared.errors"},
    "shared.models": {"shared.models", "shared.errors"},
    "shared.ports": {"shared.domain"},
    "shared.local_ports": {"shared.ports", "shared.domain"},
    "shared.pipeline": {
        "shared.pipeline", "shared.media", "shared.domain", "shared.ports", "shared.settings", "shared.log",
        "shared.errors",
    },
    "shared.adapters": {
        "shared.adapters", "shared.ports", "shared.domain", "shared.settings", "shared.log", "shared.errors",
        "shared.lifeline",
    },
    "shared.connect": {
        "shared.adapters", "shared.ports", "shared.local_ports", "shared.settings", "shared.errors",
    },
    "shared.settings": {"shared.domain"},
    "shared.log": set(),
    "shared.errors": set(),
    "shared.lifeline": set(),
}  # fmt: skip
ONLY_IN = {
    "google": ["shared.adapters.gcp"],
    "av": ["shared.media"],
    "mediapipe": ["jobs.pose"],
    "faster_whisper": ["jobs.transcribe"],
    "pysubs2": ["shared.media"],
    "fastapi": ["functions"],
    "functions_framework": ["functions"],
    "flask": ["functions"],
    "cloudevents": ["functions"],
    "starlette": ["functions"],
    "uvicorn": ["functions"],
    "anyio": ["functions"],
}


def is_in(module: str, room: str) -> bool:
    return module == room or module.startswith(f"{room}.")


def imports() -> Iterator[tuple[str, str]]:
    for path in sorted(file for top in ("functions", "jobs", "shared") for file in (ROOT / top).rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from ((module, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} imports relatively"
                yield from ((module, f"{node.module}.{alias.name}") for alias in node.names)


ALL = list(imports())


def test_every_module_lies_in_a_room_of_the_table() -> None:
    homeless = {module for module, _ in ALL if not any(is_in(module, room) for room in MAY_IMPORT)}
    assert not homeless


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_the_rooms_it_may(room: str) -> None:
    ours = [
        (module, target)
        for module, target in ALL
        if is_in(module, room) and target.split(".")[0] in ("functions", "jobs", "shared")
    ]
    wrong = [pair for pair in ours if not any(is_in(pair[1], allowed) for allowed in MAY_IMPORT[room])]
    assert not wrong


def test_entry_points_leave_adapters_to_connect() -> None:
    assert not [pair for pair in ALL if pair[0].startswith(("functions", "jobs")) and is_in(pair[1], "shared.adapters")]


def test_connect_hands_on_no_name_of_an_adapter() -> None:
    """Adapters are imported inside its functions alone, and what it imports others get where that is stated."""
    tree = ast.parse((ROOT / "shared" / "connect.py").read_text(encoding="utf-8"))
    outside = [node for top in tree.body if not isinstance(top, ast.FunctionDef) for node in ast.walk(top)]
    froms = [node for node in outside if isinstance(node, ast.ImportFrom)]
    names = {node.module or "" for node in froms}
    names |= {alias.name for node in outside if isinstance(node, ast.Import) for alias in node.names}
    assert not [name for name in names if is_in(name, "shared.adapters")]
    borrowed = {f"shared.connect.{alias.asname or alias.name}" for node in froms for alias in node.names}
    assert not [pair for pair in ALL if pair[1] in borrowed]


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_library_stays_in_its_room(library: str) -> None:
    users = {module for module, target in ALL if is_in(target, library)}
    assert not [module for module in users if not any(is_in(module, room) for room in ONLY_IN[library])]
