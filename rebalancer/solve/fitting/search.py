"""Newcomers one after another, and others moved where that makes room for one more."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rebalancer.solve.fitting.question import Bools, Ints, Question

Floats = NDArray[np.float64]

MUCH = 1 << 30
"""Newcomers where nothing limits them."""
GRAIN = 1e-12
"""Part of a newcomer that counts as float noise."""
PULL = 0.01
"""What room that is no use yet counts, squared: it gathers on few hosts."""


def per_host(free: Ints, weights: Ints, takes: Bools) -> Floats:
    """How many newcomers of one kind fit each host, in parts as well, shape (hosts,); never less than none."""
    weighs = weights > 0
    if not weighs.any():
        return np.where(takes, float(MUCH), 0.0)
    parts: Floats = (free[..., weighs] / weights[weighs]).min(axis=-1) + GRAIN
    return np.where(takes, np.maximum(parts, 0.0), 0.0)


def fill(question: Question, at: Ints) -> tuple[Ints, int]:
    """Start as many as fit with the VMs *at* hosts: each newcomer on the host that has most left for its kind."""
    free, wide = question.free(at), question.wide_free(at)
    starts = np.zeros((len(question.ratio), question.hosts), dtype=np.int64)
    left = {what: most for what, (_, most) in question.totals.items()}
    count = 0
    order = np.argsort(-question.newcomer.max(axis=1, initial=0), kind="stable")
    while True:
        trial_free, trial_wide, trial_starts, trial_left = free.copy(), list(wide), starts.copy(), dict(left)
        for kind in order:
            for _ in range(question.ratio[kind]):
                host = _best(question, kind, at, trial_free, trial_wide, trial_left)
                if host is None:
                    return starts, count
                trial_free[host] -= question.newcomer[kind]
                trial_starts[kind, host] += 1
                for number, row in enumerate(question.wide):
                    if host in row.hosts:
                        trial_wide[number] -= int(row.newcomer[kind])
                for what, (needs, _) in question.totals.items():
                    trial_left[what] -= int(needs[kind])
        free, wide, starts, left, count = trial_free, trial_wide, trial_starts, trial_left, count + 1
        if count >= MUCH_ENOUGH:
            return starts, count


MUCH_ENOUGH = 100_000
"""More than anybody asks for: whatever fits so often is not limited by anything that is known."""


def _best(  # noqa: PLR0917 - what is left of everything
    question: Question, kind: int, at: Ints, free: Ints, wide: list[int], left: dict[str, int]
) -> int | None:
    """The host with most room for one more of a *kind*; None where none takes it."""
    if any(left[what] < needs[kind] for what, (needs, _) in question.totals.items()):
        return None
    room = per_host(free, question.newcomer[kind], question.takes[kind])
    for number, row in enumerate(question.wide):
        if row.newcomer[kind] > wide[number]:
            room[row.hosts] = 0.0
    for tie in question.ties:
        if kind in tie.kinds:
            apart = np.setdiff1d(np.arange(question.hosts), at[tie.vms])
            room[apart] = 0.0
    host = int(room.argmax())
    return host if room[host] >= 1 else None


def gather(question: Question, *, steps: int) -> Ints:
    """VMs moved one by one so that more newcomers of the first kind fit, as long as any such move is found."""
    at, bound = question.home.copy(), _bound_to(question)
    weights, takes = question.newcomer[0], question.takes[0]
    loose = np.flatnonzero(~bound)
    free = question.free(at)
    for _ in range(steps):
        worth = _worth(per_host(free, weights, takes))
        best, gain = None, 1e-9
        for vm in loose:
            source = at[vm]
            weight = question.resident[vm] if source == question.home[vm] else question.arrival[vm]
            there = np.where(
                (np.arange(question.hosts) == question.home[vm])[:, None], question.resident[vm], question.arrival[vm]
            )
            after = free - there
            fits = question.allowed[vm] & (after >= 0).all(axis=1)
            fits[source] = False
            if not fits.any():
                continue
            left = _worth(per_host((free[source] + weight)[None], weights, takes[source : source + 1]))[0]
            gains = np.where(fits, _worth(per_host(after, weights, takes)) - worth, -np.inf) + left - worth[source]
            target = int(gains.argmax())
            if gains[target] > gain:
                best, gain = (int(vm), target, weight, there[target]), float(gains[target])
        if best is None:
            break
        chosen, target, weight, arrives = best
        free[at[chosen]] += weight
        free[target] -= arrives
        at[chosen] = target
    return at


def _worth(parts: Floats) -> Floats:
    """Newcomers that fit, and a little for the room that is left for the next."""
    whole = np.floor(parts)
    return whole + PULL * (parts - whole) ** 2


def _bound_to(question: Question) -> Bools:
    """VMs that other limits than those of single hosts weigh: they are left to the exact search."""
    found = np.zeros(len(question.home), dtype=np.bool_)
    for row in question.wide:
        found |= (row.resident > 0) | (row.arrival > 0)
    for tie in question.ties:
        found[tie.vms] = True
    return found
