"""A notification to try out who is reached."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rebalancer.errors import ConnectionSettingsError
from rebalancer.nightly.notify.sending import kind_of, loaded, why_unsent
from rebalancer.nightly.notify.targets import targets_of
from rebalancer.policy import Policy

TITLE = "rebalancer: a test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """Who was tried, by which kind of URL, and why it was not reached; "" where it was."""

    name: str
    kind: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}): {self.why or 'told'}"


def told_for_a_test(policy: Policy, base: Path) -> Iterator[Tried]:
    """Tell everybody whom *policy* names that this is a test; each with what became of it.

    Raises:
        ConnectionSettingsError: the policy names nobody, or apprise is not installed.
    """
    if not policy.notify.to:
        problem = "it names nobody"
        raise ConnectionSettingsError("notify.to of the policy", problem, "Name variables there that hold URLs")
    loaded()
    body = f"Whoever reads this is told of nights under the policy {policy.name!r}, when there is something to tell."
    for target in targets_of(policy.notify, base):
        yield Tried(name=target.name, kind=kind_of(target), why=why_unsent(target, TITLE, body))
