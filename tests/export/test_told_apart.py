"""Names for people: whoever shares one is told apart, everybody else is called as ever."""

from __future__ import annotations

from dataclasses import replace

from rebalancer.export import plan_markdown
from rebalancer.export.told_apart import told_apart
from rebalancer.plan import Plan
from tests.plan.made import goal_of, plan_of, pool_with
from tests.pools import problem_of

LONG = "-0000-4000-8000-000000000000"


def plan_with(names: dict[str, str]) -> Plan:
    """Two VMs on h1, one of which goes to h2 and one to h3; *names* are those of VMs and hosts by uuid."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {f"aaaaaaaa{LONG}": ("h1", 4), f"bbbbbbbb{LONG}": ("h1", 4)})
    vms = {uuid: replace(vm, name=names.get(uuid[:1], vm.name)) for uuid, vm in pool.vms.items()}
    hosts = {uuid: replace(host, name=names.get(uuid, host.name)) for uuid, host in pool.hosts.items()}
    problem = problem_of(replace(pool, vms=vms, hosts=hosts))
    return plan_of(problem, goal_of(problem, **{f"aaaaaaaa{LONG}": "h2", f"bbbbbbbb{LONG}": "h3"}))


def test_vms_and_hosts_of_one_name_carry_the_beginning_of_their_uuids() -> None:
    """In steps, on the way back and among hosts; plan.md has them, too."""
    plan = plan_with({"a": "web", "b": "web", "h2": "same", "h3": "same"})
    clear = told_apart(plan)
    assert {step.vm_name for step in (*clear.steps, *clear.rollback)} == {"web (aaaaaaaa)", "web (bbbbbbbb)"}
    assert {step.target_name for step in clear.steps} == {"same (h2)", "same (h3)"}
    assert [row.name for row in clear.hosts] == ["h1", "same (h2)", "same (h3)"]
    assert "| web (aaaaaaaa) | h1 | same (h2) |" in plan_markdown(plan)


def test_who_has_no_name_is_called_by_the_uuid() -> None:
    """An empty cell would name nobody."""
    assert {step.vm_name for step in told_apart(plan_with({"a": " ", "b": "web"})).steps} == {"(aaaaaaaa)", "web"}


def test_a_plan_of_clear_names_stays_as_it_is() -> None:
    """A VM that is called as a host is no matter, and twice changes nothing more."""
    plan = plan_with({"a": "web", "b": "h1"})
    assert told_apart(plan) == plan
    shared = told_apart(plan_with({"a": "web", "b": "web"}))
    assert told_apart(shared) == shared
