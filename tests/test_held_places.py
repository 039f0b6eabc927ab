"""What is held where VMs have moved is what would be found there from scratch."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebalancer.held import Held
from rebalancer.inventory import VM, Host, Pool
from rebalancer.problem import problem_at
from tests.pools import make_host, make_pool, make_vm, problem_of


def pool_with(*, host: Host | None = None, vm: VM | None = None) -> Pool:
    """Three hosts and two VMs, of which h1 and a may be given."""
    hosts = [host or make_host("h1"), make_host("h2"), make_host("h3")]
    return make_pool(hosts=hosts, vms=[vm or make_vm("a", on="h1"), make_vm("b", on="h2")])


POOLS = {
    "all is said": pool_with(),
    "a dead host with a VM": pool_with(host=replace(make_host("h1"), live=False)),
    "a VM of unknown size": pool_with(vm=replace(make_vm("a", on="h1"), unsaid=("VM.memory_static_max",))),
    "a host without CPUs": pool_with(host=replace(make_host("h1"), cpu_info={})),
}


@pytest.mark.parametrize("name", POOLS)
def test_places_change_what_is_held_as_from_scratch(name: str) -> None:
    """a moves from h1 to h3: a dead host without a VM is held no longer, one with a VM of unknown size is."""
    problem = problem_of(POOLS[name])
    moved = replace(problem.initial, host_of={**problem.initial.host_of, "a": "h3"})
    there = problem_at(problem, moved)
    anew = Held(there.pool, there.demand)
    for each in ("hosts", "sick_vms", "vms", "srs", "uncounted", "roomless"):
        assert getattr(there.held, each) == getattr(anew, each), each


def test_a_dead_host_is_held_for_the_vm_on_it_alone() -> None:
    """The pools above tell places apart: h1 is held only as long as a is there."""
    problem = problem_of(POOLS["a dead host with a VM"])
    there = problem_at(problem, replace(problem.initial, host_of={**problem.initial.host_of, "a": "h3"}))
    assert ("h1" in problem.held.hosts, "h1" in there.held.hosts) == (True, False)
