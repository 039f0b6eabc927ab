"""Whether things fit into bins at all: an exact answer, for proofs that something cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

from ortools.sat.python import cp_model

from rebalancer.solve.exact.solver import one_worker

EFFORT = 2.0
"""Deterministic time that one question may take."""


def cannot_fit(
    items: Sequence[tuple[int, ...]], room: Sequence[Sequence[int]], *, barred: Collection[tuple[int, int]] = ()
) -> bool:
    """Whether it is proven that *items* do not all fit.

    Args:
        items: what each item weighs, one weight for each kind of limit.
        room: what each bin holds, shape (kinds, bins).
        barred: items, by their index, that may not go into a bin.
    """
    special = {item for item, _ in barred}
    counts = Counter(weights for item, weights in enumerate(items) if item not in special)
    groups = [*counts.items(), *((items[item], 1) for item in sorted(special))]
    names: list[int | None] = [*[None] * len(counts), *sorted(special)]
    bins = range(len(room[0])) if room else range(0)
    model = cp_model.CpModel()
    number = {
        (group, place): model.new_int_var(0, 0 if (names[group], place) in barred else count, "")
        for group, (_, count) in enumerate(groups)
        for place in bins
    }
    for group, (_, count) in enumerate(groups):
        model.add(sum(number[group, place] for place in bins) == count)
    for kind, limits in enumerate(room):
        for place in bins:
            model.add(
                sum(weights[kind] * number[group, place] for group, (weights, _) in enumerate(groups)) <= limits[place]
            )
    solver = one_worker()
    solver.parameters.max_deterministic_time = EFFORT
    return solver.solve(model) == cp_model.INFEASIBLE
