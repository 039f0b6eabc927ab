"""docs/cli.md, section by section."""

from __future__ import annotations

import re

from tests.cli.terminal import ROOT

PAGE = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")


def section(name: str) -> str:
    """What the page says below a heading."""
    found = re.search(rf"^## {re.escape(name)}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, f"docs/cli.md has no heading '{name}'"
    return found[1]


def json_keys(name: str) -> list[str]:
    """The keys that the page gives for a command's JSON."""
    return re.findall(r"`(\w+)`", section(name).partition("JSON:")[2])
