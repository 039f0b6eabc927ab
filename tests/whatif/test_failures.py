"""What if hosts die: who stays down, against every way to share the VMs by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from rebalancer.frames import failures_frame
from rebalancer.problem import Problem
from rebalancer.rules.facts.memory_model import guest_bytes, held_apart_from, start_bytes, static_bytes
from rebalancer.whatif.failures import failures
from tests.plan.made import demand_of, pool_with
from tests.pools import make_pool, make_vm, problem_of

HOSTS = ("h1", "h2", "h3")


def free_without(problem: Problem, gone: tuple[str, ...]) -> dict[str, int]:
    """Bytes free on the hosts that are left, by hand."""
    apart = held_apart_from(problem.pool, problem.initial, static_bytes)
    held = dict(apart)
    for vm, host in problem.initial.host_of.items():
        held[host] += static_bytes(problem.pool.vms[vm])
    left = {uuid: host for uuid, host in problem.pool.hosts.items() if uuid not in gone}
    return {uuid: max(0, guest_bytes(host) - held[uuid]) for uuid, host in left.items()}


def fit(problem: Problem, vms: list[str], free: dict[str, int]) -> bool:
    """Whether some way of sharing *vms* among the hosts fits."""
    sizes = {vm: start_bytes(problem.pool.vms[vm], xen_vcpu_pages=True) for vm in vms}
    for way in product(free, repeat=len(vms)):
        used = dict.fromkeys(free, 0)
        for vm, host in zip(vms, way, strict=True):
            used[host] += sizes[vm]
        if all(used[host] <= free[host] for host in free):
            return True
    return False


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.integers(4, 20), min_size=3, max_size=3),
    st.lists(st.tuples(st.sampled_from(HOSTS), st.integers(1, 9)), min_size=1, max_size=6),
    st.sampled_from([1, 2]),
)
def test_who_stays_down_could_not_restart_beside_the_others(
    room_gib: list[int], sizes: list[tuple[str, int]], count: int
) -> None:
    """The others fit all at once, and with any of those that stay down they would not."""
    vms = {f"vm{number}": (host, float(gib)) for number, (host, gib) in enumerate(sizes)}
    problem = problem_of(pool_with(dict(zip(HOSTS, room_gib, strict=True)), vms))
    found = failures(problem, count)
    assert len(found) == 3
    for each in found:
        gone = [vm for vm, host in problem.initial.host_of.items() if host in each.host_uuids]
        free = free_without(problem, each.host_uuids)
        down = {down.vm_uuid for down in each.down}
        up = [vm for vm in gone if vm not in down]
        assert fit(problem, up, free)
        assert not any(fit(problem, [*up, vm], free) for vm in down)
        assert each.certain
        assert each.guests == len(gone)


def test_the_reason_is_the_rule_or_the_room() -> None:
    """A device ties one, nobody has room for another; in frames by uuid."""
    tied = replace(make_vm("tied", gib=1), attached_pcis=("gpu",))
    pool = make_pool(vms=[tied, make_vm("huge", on="h1", gib=40), make_vm("full", on="h2", gib=40)])
    problem = problem_of(pool, demand=demand_of(pool, {"full": 4.0}))
    (first, _) = failures(problem)
    said = {down.vm: down.why for down in first.down}
    assert said["tied"] == "it has devices of its host"
    assert said["huge"].startswith("needs 40")
    assert (first.hottest, first.guests) == ("h2", 2)
    table = failures_frame([first])
    assert set(table.vm_uuid) == {"tied", "huge"}


def test_protected_vms_come_first() -> None:
    """Where only one of two fits, HA's own is the one that restarts."""
    keen = replace(make_vm("keen", on="h1", gib=30), ha_restart_priority="restart", ha_always_run=True)
    pool = make_pool(vms=[keen, make_vm("other", on="h1", gib=20), make_vm("full", on="h2", gib=20)])
    (first, _) = failures(problem_of(pool))
    assert [down.vm for down in first.down] == ["other"]
