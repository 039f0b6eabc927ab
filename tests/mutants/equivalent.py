"""Mutants that no test can notice, because they say the same as the rule."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {}
"""By module and change: why nothing could notice it."""
