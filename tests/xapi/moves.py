"""The login of simulated pools, and a move that they take."""

from __future__ import annotations

from rebalancer.errors import RefusedByXapi
from rebalancer.placement import Migration, current_placement
from rebalancer.xapi import Credentials, LivePool

ROOT = Credentials(user="root", password="simulator")


def possible_move(live: LivePool) -> Migration:
    """A move that XAPI would take."""
    pool = live.read()
    for vm, source in current_placement(pool).host_of.items():
        for target in pool.hosts:
            if target != source and _may(live, vm, target):
                return Migration(vm=vm, source=source, target=target)
    raise AssertionError("no VM of this pool may move")


def _may(live: LivePool, vm: str, target: str) -> bool:
    """Whether XAPI has nothing against it."""
    try:
        live.assert_may_migrate(vm, target)
    except RefusedByXapi:
        return False
    return True
