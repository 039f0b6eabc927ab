"""Reporters that remember what they hear."""

from __future__ import annotations

from rebalancer.execute import RunReporter


class Noticing(RunReporter):
    """What was noticed, each with its step."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def noticed(self, step: str, words: str) -> None:
        """Remember it."""
        self.heard.append((step, words))


class Stopping(RunReporter):
    """What was said of starting nothing more."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def stopping(self, why: str) -> None:
        """Remember it."""
        self.heard.append(why)
