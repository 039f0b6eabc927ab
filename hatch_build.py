"""What a wheel carries beside the package: the manual page, written when it is built."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ManualPage(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own parameter
    """Writes `rebalancer(1)` from the commands, into share/man/man1."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the page, unless the package is installed as it stands in its checkout."""
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from scripts.man import page  # noqa: PLC0415 - what is built is imported, from where it stands
        finally:
            sys.path.remove(self.root)
        written = Path(self.root) / "build" / "man" / "rebalancer.1"
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(page(), encoding="utf-8")
        build_data["shared_data"][str(written)] = "share/man/man1/rebalancer.1"
