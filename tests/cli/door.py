"""A person before a pool that is served, and what is said to him."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from rebalancer.cli.exits import Exit
from rebalancer.export import plan_json, write_plan
from rebalancer.plan import Plan, digest_of
from tests.cli.terminal import Served, Terminal, is_one_sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """A terminal beside a pool that is served, with its snapshot and plan at hand."""

    terminal: Terminal
    served: Served

    @property
    def plan(self) -> Path:
        """A folder with the plan."""
        write_plan(self.served.plan, self.terminal.folder / "plan")
        return self.terminal.folder / "plan"

    def write(self, name: str, text: str | bytes) -> Path:
        """A file beside the person."""
        return self.terminal.write(name, text)

    def edited(self, change: Callable[[Plan], Plan]) -> Path:
        """A plan that was changed and sealed again."""
        made = change(self.served.plan)
        return self.write("edited.json", plan_json(replace(made, digest=digest_of(made))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """What is typed, and what is said: every part of it stands in the sentence."""

    typed: Callable[[Door], list[object]]
    said: tuple[str, ...]
    code: Exit = Exit.ERROR
    environment: tuple[tuple[str, str | None], ...] = ()


def snapshot_text(door: Door) -> str:
    """The snapshot as JSON."""
    return gzip.decompress(door.served.snapshot.read_bytes()).decode()


def first_vm(door: Door) -> str:
    """A name that the pool knows."""
    return door.served.plan.steps[0].vm_name


def said_one_sentence(door: Door, wrong: Wrong) -> bool:
    """Type it, and compare the code and the sentence."""
    ended = door.terminal.run(*wrong.typed(door), **dict(wrong.environment))
    assert (ended.code, ended.err.count("\n")) == (wrong.code, 1), ended
    assert "unforeseen" not in ended.err
    assert ended.sentence.endswith(".")
    assert is_one_sentence(ended, *wrong.said), ended
    return True
