"""For kernels and their workers: however busy the machine is, searches end by their work.

The module is changed when it is imported, not before: what stands in frames depends on whether pandas comes first.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

EFFORT = "rebalancer.solve.model.effort"


class UnhurriedLoader(SourceFileLoader):
    """Loads the module whose ceiling is the clock, and lifts it."""

    def exec_module(self, module: ModuleType) -> None:
        """Give it a ceiling that no search comes to."""
        super().exec_module(module)
        vars(module)["CEILING"] = 1000.0


class UnhurriedFinder(PathFinder):
    """Finds that module, and no other."""

    @classmethod
    def find_spec(
        cls, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """None for all others."""
        found = super().find_spec(fullname, path, target) if fullname == EFFORT else None
        if found and found.origin:
            found.loader = UnhurriedLoader(fullname, found.origin)
        return found


sys.meta_path.insert(0, UnhurriedFinder)
