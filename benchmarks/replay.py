"""Policies, simple balancers and hindsight on recorded weeks: `python -m benchmarks.replay [TRACES:PEAK...]`.

Each night a plan from the days before, the next day as it was recorded: `bitbrains:70` are the traces of Bitbrains
with the pool's busiest hour at 70 % of its pCPUs. Work alone ends a search, so that the figures do not depend on the
machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchmarks.descent import Descent
from benchmarks.peers.meta import Meta, meta_python
from benchmarks.recorded import SOURCES, TRACES, recorded_pool
from rebalancer.policy import PRESETS, Policy
from rebalancer.whatif.replay import (
    Contender,
    Greedy,
    HillClimb,
    Hindsight,
    Nothing,
    Planner,
    Replay,
    ReplayedNight,
    ReplayReporter,
    replay,
    summary_of,
)

SITUATIONS = ("bitbrains:70", "azure:85")


Keys = Mapping[str, Any]
"""Keys of one section of a policy."""

MILDER = ((0.85, 1.5), (0.95, 2), (1.0, 4))
"""Levels that cost less than the default ones."""


FROM_75 = {"threshold": 0.75, "pcpu_hours_per_move": 0.0}
NO_COOL_DOWN = {"cool_down_hours": 0.0}
"""What rows have that name nothing else."""


def _percentile(percentile: float, price: float) -> dict[str, Keys]:
    demand = {"form": "percentile", "percentile": percentile}
    objective = {**FROM_75, "pcpu_hours_per_gib": price}
    return {"demand": demand, "objective": objective, "limits": NO_COOL_DOWN}


def _days(price: float, *, demand: Keys = {}, objective: Keys = {}, limits: Keys = {}) -> dict[str, Keys]:  # noqa: B006
    """Recorded days from 75 % on at a price for a GiB and none for a move, but for what else is given."""
    return {
        "demand": {"form": "days", **demand},
        "objective": {**FROM_75, "pcpu_hours_per_gib": price, **objective},
        "limits": {**NO_COOL_DOWN, **limits},
    }


POLICIES: Mapping[str, Mapping[str, Any]] = {
    **{name: {"preset": name} for name in PRESETS},
    "balanced, no cool-down": {"preset": "balanced", "limits": {"cool_down_hours": 0}},
    "balanced, cool-down 4 days": {"preset": "balanced", "limits": {"cool_down_hours": 96}},
    "p95, 0.001": _percentile(95, 0.001),
    "p95, 0.02": _percentile(95, 0.02),
    "p95, 0.05": _percentile(95, 0.05),
    "p80, 0.02": _percentile(80, 0.02),
    "p70, 0.001": _percentile(70, 0.001),
    "p50, 0.02": _percentile(50, 0.02),
    "days, 0.02": _days(0.02),
    "days, 0.05": _days(0.05),
    "days, 0.1": _days(0.1),
    "days, 0.2": _days(0.2),
    "days, 0.3": _days(0.3),
    "days, 0.5": _days(0.5),
    "days, 0.1, linear": _days(0.1, objective={"levels": []}),
    "days, 0.05, linear": _days(0.05, objective={"levels": []}),
    "days, 0.1, milder": _days(0.1, objective={"levels": MILDER}),
    "days, 0.05, milder": _days(0.05, objective={"levels": MILDER}),
    "days, 0.1, from 65 %": _days(0.1, objective={"threshold": 0.65}),
    "days, 0.1, from 70 %": _days(0.1, objective={"threshold": 0.7}),
    "days, 0.2, from 70 %": _days(0.2, objective={"threshold": 0.7}),
    "days, 0.4, from 70 %": _days(0.4, objective={"threshold": 0.7}),
    "days, 0.2 and 0.2 a move, from 70 %": _days(0.2, objective={"threshold": 0.7, "pcpu_hours_per_move": 0.2}),
    "days, 0.1, cool-down 7 days, from 70 %": _days(0.1, objective={"threshold": 0.7}, limits={"cool_down_hours": 168}),
    "days, 0.1, 0.2 a move": _days(0.1, objective={"pcpu_hours_per_move": 0.2}),
    "days, 0.1, gain 5": _days(0.1, limits={"minimum_gain_pcpu_hours": 5}),
    "days, 0.1, cool-down 7 days": _days(0.1, limits={"cool_down_hours": 168}),
    "days, 0.1, half-life 3 days": _days(0.1, demand={"half_life_days": 3}),
    "14 days, 0.1": _days(0.1, demand={"window_days": 14}),
}
"""What is compared: the policy's keys by the name of the row; everything else is the default."""


SIMPLE: Mapping[str, Callable[..., Contender]] = {
    "nothing": Nothing,
    "greedy": Greedy,
    "hill-climb": HillClimb,
    "meta": Meta,
    "hindsight": Hindsight,
}
"""Rows that are no policies."""


class Telling(ReplayReporter):
    """Each night on standard error, as it is done."""

    def night_done(self, replayed: ReplayedNight) -> None:
        """One line."""
        day, moved = replayed.day, f"{len(replayed.moved)} moves, {replayed.gib:.0f} GiB"
        told = f"{replayed.contender}, night {replayed.number}: {day.overload:.1f} pCPU-hours, {moved}"
        print(told, file=sys.stderr, flush=True)


def contenders(names: Sequence[str], seconds: float, *, single_moves: bool = False) -> Iterator[Contender]:
    """Those of these names; who knows no policy sees the 95th percentile, above 75 %, and keeps the default rules.

    Policies plan by the search with so many *seconds* of work a night, or by single moves alone.
    """
    plain = Policy.model_validate({**_percentile(95, 0.001), "limits": {**NO_COOL_DOWN, "solve_seconds": seconds}})
    for name in names:
        if name == "meta" and meta_python() is None:
            print("meta is left out: REBALANCER_META_PYTHON names no environment with its package", file=sys.stderr)
        elif name in SIMPLE:
            yield SIMPLE[name](policy=plain)
        else:
            keys = POLICIES[name]
            limits = {**keys.get("limits", {}), "solve_seconds": seconds}
            policy = Policy.model_validate({**keys, "limits": limits})
            yield Descent(name=name, policy=policy) if single_moves else Planner(name=name, policy=policy)


def table(found: Replay) -> Iterator[str]:
    """A row for each contender, as docs/demand.md has them."""
    yield "| | overload | > 75, 90, 100 % | worst hour | moves | GiB | most moves of a VM | regret |"
    yield "|---|---|---|---|---|---|---|---|"
    for each in found.contenders:
        row = summary_of(found.of(each))
        above = ", ".join(map(str, row.hours_above))
        regret = "" if row.regret is None else f"{row.regret[0]:.0f} to {row.regret[1]:.0f}"
        figures = (
            f"{row.overload:.0f} | {above} | {row.worst_share:.0%} | {row.moves} | {row.gib:.0f} | {row.most_moves}"
        )
        yield f"| {each} | {figures} | {regret} |"


def main(arguments: list[str] | None = None) -> int:
    """Replay, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replay", description=__doc__)
    parser.add_argument(
        "situations", nargs="*", default=SITUATIONS, metavar="TRACES:PEAK", help=f"of {', '.join(SOURCES)}"
    )
    rows = (*SIMPLE, *POLICIES)
    parser.add_argument("--row", action="append", choices=rows, help="one of the rows; all of them otherwise")
    parser.add_argument("--hosts", type=int, default=16)
    parser.add_argument("--vms", type=int, default=250)
    parser.add_argument("--nights", type=int, default=12)
    parser.add_argument("--days-back", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0, help="work of each plan")
    parser.add_argument("--single-moves", action="store_true", help="plan by these alone: quick, and without a search")
    parser.add_argument(
        "--no-regret", action="store_true", help="compare no night with hindsight, which takes half the time"
    )
    chosen = parser.parse_args(arguments)
    if not TRACES.exists():
        print(f"skipped: no traces in {TRACES}; set REBALANCER_SHARED_DATA")
        return 0
    for situation in chosen.situations:
        source, _, peak = situation.partition(":")
        size = {"hosts": chosen.hosts, "vms": chosen.vms, "seed": chosen.seed}
        pool, recording = recorded_pool(source, peak=float(peak) / 100, **size)
        row = list(contenders(chosen.row or rows, chosen.seconds, single_moves=chosen.single_moves))
        if not row:
            continue
        judged = {"days_back": chosen.days_back, "nights": chosen.nights, "regret": not chosen.no_regret}
        found = replay(pool, recording, row, reporter=Telling(), **judged)
        least = sum(night.least_overload for night in found.of(found.contenders[0]))
        print(
            f"\n{recording.source}, {chosen.hosts} hosts, {chosen.vms} VMs, {chosen.nights} nights, seed {chosen.seed};"
        )
        print(
            f"no placement has less than {least:.0f} pCPU-hours of overload: what the pool as a whole has too much of\n"
        )
        print("\n".join(table(found)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
