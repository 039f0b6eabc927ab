"""VMs that the policy lets no migration squeeze: what is offered where that leaves nothing possible."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.errors import Infeasible
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Rulebook
from rebalancer.solve import solve
from rebalancer.units import GIB
from tests.pools import make_memory, make_metrics, policy_of
from tests.solve.tiny import tiny

FORBID = {"unknown_use": "forbid"}


def emptied(*, squeezed: tuple[str, ...], **squeeze: str) -> Problem:
    """h1 is to be emptied; of its VMs a to d, *squeezed* have a dynamic range."""
    plain = tiny(dict.fromkeys("abcd", ("h1", 2.0)), mode="evacuate", empty=["h1"])
    memory = make_memory(2.0, dynamic_min_bytes=GIB, static_min_bytes=GIB)
    metrics = make_metrics(memory_actual_bytes=2 * GIB)
    vms = {
        uuid: replace(vm, memory=memory, metrics=metrics) if uuid in squeezed else vm
        for uuid, vm in plain.pool.vms.items()
    }
    policy = policy_of(mode="evacuate", empty=["h1"], squeeze=squeeze)
    return make_problem(replace(plain.pool, vms=vms), None, policy)


@pytest.mark.parametrize(
    ("squeezed", "named"),
    [(("a",), "'a'"), (("a", "b"), "'a', 'b'"), (("a", "b", "c", "d"), "'a', 'b', 'c' and 1 more")],
)
def test_letting_them_be_squeezed_is_a_fix(squeezed: tuple[str, ...], named: str) -> None:
    """One offer for the key of the policy, which names the VMs; nobody is to shut anything down."""
    with pytest.raises(Infeasible) as refused:
        solve(Rulebook.of(emptied(squeezed=squeezed, **FORBID)))
    best = refused.value.fixes[0]
    assert [(each.where, each.words) for each in best.concessions] == [
        ("squeeze.unknown_use", f"let migrations squeeze {named}")
    ]
    assert best.moves == 4


def test_a_last_resort_leaves_a_host_all_the_same() -> None:
    """The default: where nobody knows what they use, they move where nothing else helps."""
    placement = solve(Rulebook.of(emptied(squeezed=("a", "b")))).placement
    assert "h1" not in placement.host_of.values()
