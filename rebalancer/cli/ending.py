"""From the moment at which a process knows its exit code, no signal changes it: it ends the process with that code."""

from __future__ import annotations

from collections.abc import Mapping

settled: list[int] = []
"""The exit code, once it is known."""


told: dict[str, object] = {}
"""What programs are told of an error beside its words."""


def tell(document: Mapping[str, object]) -> None:
    """Tell programs *document*, too, should an error end the process."""
    told.update(document)


def settle(code: int) -> None:
    """Let *code* be the exit code, whatever still goes wrong with printing."""
    settled[:] = [code]
