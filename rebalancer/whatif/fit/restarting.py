"""What the rules say of restarts, in whole numbers for the search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebalancer.rules.availability.restarts import Failure
from rebalancer.solve.fitting.question import Bools, Ints, Question
from rebalancer.solve.fitting.restarting import Restarting
from rebalancer.whatif.fit.question import FitQuestion


def restarting(asked: FitQuestion, lost: Sequence[Failure]) -> Restarting | None:
    """The failures that have to stay outlived; None where there are none, or too many for a model to know each restart.

    Memory counts in what all needs have in common.
    """
    limits = asked.starts.book.restarts
    if not lost or len(limits) != 1:
        return None
    (limit,), hosts, rows = limits, asked.hosts, (*asked.vms, *asked.kinds)
    held = np.array([limit.held[vm] for vm in rows], dtype=np.int64)
    size = np.array([limit.items.size.get(vm, 0) for vm in rows], dtype=np.int64)
    grain = max(1, int(np.gcd.reduce(np.concatenate([held, size]))))
    targets = [limit.items.targets.get(vm, frozenset()) for vm in rows]
    room = np.array([limit.room[host] // grain if host in limit.room else -1 for host in hosts], dtype=np.int64)
    found = Restarting(
        failures=tuple(frozenset(map(hosts.index, failure)) for failure in lost),
        room=room,
        held=held // grain,
        size=size // grain,
        boots=np.array([[host in each for host in hosts] for each in targets], dtype=np.bool_),
        whole=_whole(asked.question, held // grain, room),
    )
    return found if found.known else None


def _whole(question: Question, held: Ints, room: Ints) -> Bools:
    """Hosts on which a limit that holds now is as strict as their *room*, whoever is there."""
    weights = np.vstack([np.minimum(question.resident, question.arrival), question.newcomer]).astype(object)
    upper, kept = question.upper.astype(object), question.free(question.home) >= 0
    found: Bools = np.zeros(question.hosts, dtype=np.bool_)
    for row in range(upper.shape[1]):
        stricter = held.astype(object)[:, None] * upper[:, row] <= weights[:, row, None] * room.astype(object)
        found |= kept[:, row] & (question.upper[:, row] > 0) & (room >= 0) & stricter.all(axis=0).astype(np.bool_)
    return found
