"""The folders of a room import one way, too."""

from __future__ import annotations

import re
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "rebalancer"


@pytest.mark.parametrize("room", ["cli", "execute", "simulator", "xapi"])
def test_folders_import_one_way(room: str) -> None:
    """No folder of the room needs one that needs it; the docstring of the room lists them from the bottom up."""
    folders = [path.parent for path in (PACKAGE / room).glob("*/__init__.py")]
    needs = {
        folder.name: {
            found
            for path in folder.glob("*.py")
            for found in re.findall(rf"rebalancer\.{room}\.(\w+)\.\w+", path.read_text(encoding="utf-8"))
        }
        - {folder.name}
        for folder in folders
    }
    TopologicalSorter(needs).prepare()
    listed = re.findall(r"^- (\w+):", (PACKAGE / room / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(listed) == sorted(needs)
    assert all(listed.index(lower) < listed.index(name) for name in needs for lower in needs[name])
