"""Nights as somebody types them."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rebalancer.cli.main import main
from rebalancer.simulator import Simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A folder to type commands in, beside a pool."""

    simulator: Simulator
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *words: object) -> Ended:
        """Type `rebalancer *words*`."""
        self.monkeypatch.setattr(sys, "argv", ["rebalancer", *map(str, words)])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = self.capsys.readouterr()
        return Ended(code=int(ended.value.code or 0), out=printed.out, err=printed.err)

    def policy(self, text: str) -> Path:
        """A policy file for the pool."""
        file = self.folder / "p.toml"
        file.write_text(f'{text}\n[pool]\nurl = "{self.simulator.url}"\n')
        return file

    def nightly(self, policy: str, *options: str) -> Ended:
        """A night under *policy*."""
        return self.run("nightly", self.policy(policy), "--state-dir", self.folder / "state", *options)


def typed_at(
    simulator: Simulator, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """A terminal beside *simulator*, with the way in."""
    monkeypatch.setenv("REBALANCER_USER", "root")
    monkeypatch.setenv("REBALANCER_PASSWORD", "simulator")
    return Typed(simulator=simulator, folder=folder, monkeypatch=monkeypatch, capsys=capsys)
