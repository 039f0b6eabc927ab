"""From the moment at which a process knows its exit code, no signal changes it: it ends the process with that code."""

from __future__ import annotations

settled: list[int] = []
"""The exit code, once it is known."""


def settle(code: int) -> None:
    """Let *code* be the exit code, whatever still goes wrong with printing."""
    settled[:] = [code]
