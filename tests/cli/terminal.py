"""The command line as a person meets it: what was typed, what came back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rebalancer.cli import main
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "root", "not a secret"
READS = re.compile(
    r"(session\.(login_with_password|logout|get_\w+))|event\.\w+|\w+\.(get_\w+|assert_\w+|compute_\w+|list_methods)"
)
"""Calls that change nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def sentence(self) -> str:
        """The one sentence of the error: the last line of the log, after the program's name."""
        last = self.err.rstrip("\n").rpartition("\n")[2]
        assert last.startswith("rebalancer: "), self.err
        return last.removeprefix("rebalancer: ")

    def json(self) -> Any:  # noqa: ANN401 - whatever was printed
        """Standard output as one JSON document."""
        return json.loads(self.out)


@dataclass(slots=True, kw_only=True)
class Terminal:
    """A folder to work in; `run` types a command in this process."""

    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object, **environment: str | None) -> Ended:
        """Type `rebalancer *words*` with a few variables changed; None takes one away."""
        with self.monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["rebalancer", *map(str, words)])
            for name, value in environment.items():
                patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
            self.capsys.readouterr()
            with pytest.raises(SystemExit) as end:
                main()
        told = self.capsys.readouterr()
        return Ended(code=int(end.value.code or 0), out=told.out, err=told.err)

    def write(self, name: str, text: str | bytes) -> Path:
        """A file in the folder."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A simulated pool that answers, the calls that reached it, a snapshot of it and a plan for it."""

    simulator: Simulator
    calls: list[str] = field(default_factory=list)
    snapshot: Path
    plan: Plan

    @property
    def url(self) -> str:
        """The coordinator's."""
        return self.simulator.url

    @property
    def changes(self) -> list[str]:
        """The calls that change something."""
        return [each for each in self.calls if not READS.fullmatch(each)]

    @contextmanager
    def changed(self, kind: str, uuid: str, **fields: object) -> Iterator[None]:
        """Fields of one record as somebody else might change them, until the block ends."""
        database = self.simulator.database
        ref = database.by_uuid(kind, uuid)
        before = {name: database.get(kind, ref)[name] for name in fields}
        database.change(kind, ref, **fields)
        try:
            yield
        finally:
            database.change(kind, ref, **before)


def as_process(*words: object, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:  # noqa: ANN401 - of run
    """`rebalancer *words*` as a process of its own."""
    environment = os.environ | {"REBALANCER_USER": USER, "REBALANCER_PASSWORD": PASSWORD} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, "-m", "rebalancer", *map(str, words)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def is_one_sentence(ended: Ended, *parts: str) -> bool:
    """Whether the log ends with one sentence that names all *parts*, with no traceback above it."""
    return "Traceback" not in ended.err and all(part in ended.sentence for part in parts) and not ended.out


QUICK = (
    '[demand]\nform = "percentile"\n'
    "[objective]\nthreshold = 0.75\npcpu_hours_per_gib = 0.001\npcpu_hours_per_move = 0.0\n"
    "[limits]\nsolve_seconds = 5\n"
)
