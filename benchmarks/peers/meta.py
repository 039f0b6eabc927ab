"""Meta's Rebalancer (Apache-2.0; `rebalancer` on the index, CPython 3.12 or newer): on an instance, and each night.

It runs in an environment of its own, named by `REBALANCER_META_PYTHON`:

    python3.12 -m venv /tmp/meta && /tmp/meta/bin/pip install rebalancer==1.0.4
    REBALANCER_META_PYTHON=/tmp/meta/bin/python python -m benchmarks.replay --row meta
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np

from benchmarks.migrations import Migration
from benchmarks.neutral import RULES, Json, problem_of
from rebalancer.objectives import overload_limits
from rebalancer.policy import Policy
from rebalancer.rules import Rulebook
from rebalancer.solve.instance.evaluate import holds, uppers_of
from rebalancer.solve.instance.instance import Instance, Ints, instance_of
from rebalancer.solve.model.tier import placement_of
from rebalancer.units import GIB
from rebalancer.whatif.replay import Decision, Night

SIDE = Path(__file__).parent / "meta_side.py"


def meta_python() -> str | None:
    """The interpreter of its environment; None where there is none, which can be asked and is said."""
    named = os.environ.get("REBALANCER_META_PYTHON")
    if not named or which(named) is None:
        return None
    asked = subprocess.run(
        [named, "-I", "-c", "from rebalancer import ProblemSolver"], check=False, capture_output=True
    )
    return named if asked.returncode == 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    """Local search with single moves and swaps: load above the policy's threshold first, then GiB."""

    policy: Policy
    name: str = "meta"
    seconds: int = 5

    def decide(self, night: Night) -> Decision:
        """Where its assignment has the VMs; where they were if it breaks a rule that it was told."""
        instance = instance_of(Rulebook.of(night.problem(self.policy)))
        at = _assigned(instance, self.seconds)
        legal = holds(instance, at)
        return Decision(placement=placement_of(instance, at if legal else instance.home), words="", planned=legal)


def meta(pool: Json, *, seconds: float) -> tuple[dict[str, str], list[Migration]]:
    """Its placement of an instance of one pool, and the moves to it in the order of the VMs: it gives none."""
    problem = problem_of(pool, seconds=seconds, seed=1)
    instance = instance_of(Rulebook(problem, RULES))
    there = placement_of(instance, _assigned(instance, max(1, round(seconds))))
    moves = [Migration(vm=each.vm, source=each.source, target=each.target) for each in problem.initial.moves_to(there)]
    return dict(there.host_of), moves


def _assigned(instance: Instance, seconds: int) -> Ints:
    """The host of every unit by its assignment."""
    asked = subprocess.run(
        [str(meta_python()), "-I", str(SIDE)],
        input=json.dumps(_pool(instance, seconds)),
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(asked.stdout.splitlines()[-1])
    return np.array([int(found[str(unit)]) for unit in range(len(instance.units))], dtype=np.int64)


def _pool(instance: Instance, seconds: int) -> dict[str, Any]:
    """What the other side reads; units and hosts go by their numbers."""
    hosts, units = range(len(instance.hosts)), range(len(instance.units))
    upper, limits = uppers_of(instance, instance.limits), overload_limits(instance.problem)[instance.columns]
    return {
        "seconds": seconds,
        "assignment": {str(host): [str(unit) for unit in units if instance.home[unit] == host] for host in hosts},
        "gib": _named(instance.copied.least / GIB),
        "avoid": {
            str(unit): [str(host) for host in np.flatnonzero(~instance.legal[unit])]
            for unit in units
            if not instance.legal[unit].all()
        },
        "families": [
            {
                "weights": _named(np.maximum(family.resident, family.arrival)),
                "room": _named(np.maximum(upper[number] - family.fixed, 0)),
            }
            for number, family in enumerate(instance.families)
        ],
        "slots": [
            {
                "load": _named(instance.unit_pcpu[:, slot]),
                "room": _named(np.maximum(limits - instance.base_pcpu[:, slot], 0)),
            }
            for slot in range(instance.unit_pcpu.shape[1])
        ],
    }


def _named(values: Any) -> dict[str, float]:  # noqa: ANN401 - an array
    return {str(number): float(value) for number, value in enumerate(values)}
