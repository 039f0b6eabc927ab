"""Names for people: whoever shares one carries the start of its uuid, everybody else is called as ever."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebalancer.export import plan_markdown, xe_script
from rebalancer.inventory import Names, pool_from_records, told_apart
from rebalancer.plan import Plan
from tests.inventory.small import small_records
from tests.local_disks import local_problem, local_sr, local_vm
from tests.plan.made import goal_of, plan_of, pool_with
from tests.pools import make_pool, make_vm, problem_of

LONG = "-0000-4000-8000-000000000000"


def plan_with(names: dict[str, str]) -> Plan:
    """Two VMs on h1, one of which goes to h2 and one to h3; *names* are those of VMs and hosts by uuid."""
    pool = pool_with({"h1": 20, "h2": 20, "h3": 20}, {f"aaaaaaaa{LONG}": ("h1", 4), f"bbbbbbbb{LONG}": ("h1", 4)})
    vms = {uuid: replace(vm, name=names.get(uuid[:1], vm.name)) for uuid, vm in pool.vms.items()}
    hosts = {uuid: replace(host, name=names.get(uuid, host.name)) for uuid, host in pool.hosts.items()}
    problem = problem_of(replace(pool, vms=vms, hosts=hosts))
    return plan_of(problem, goal_of(problem, **{f"aaaaaaaa{LONG}": "h2", f"bbbbbbbb{LONG}": "h3"}))


def test_a_plan_calls_vms_and_hosts_of_one_name_by_the_start_of_their_uuids() -> None:
    """In steps, on the way back and among hosts; the page and the script say it, too."""
    plan = plan_with({"a": "web", "b": "web", "h2": "same", "h3": "same"})
    assert {step.vm_name for step in (*plan.steps, *plan.rollback)} == {"web (aaaaaaaa)", "web (bbbbbbbb)"}
    assert {step.target_name for step in plan.steps} == {"same (h2)", "same (h3)"}
    assert [row.name for row in plan.hosts] == ["h1", "same (h2)", "same (h3)"]
    assert "| web (aaaaaaaa) | h1 | same (h2) |" in plan_markdown(plan)
    assert "s01: web (aaaaaaaa) from h1 to same (h2)" in xe_script(plan)


def test_who_has_no_name_is_called_by_the_uuid() -> None:
    """An empty cell would name nobody."""
    assert {step.vm_name for step in plan_with({"a": " ", "b": "web"}).steps} == {"(aaaaaaaa)", "web"}


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ({"aaaaaaaa-1": "web", "bbbbbbbb-1": "db"}, ["web", "db"]),
        ({"aaaaaaaa-1": "web", "bbbbbbbb-1": "web "}, ["web (aaaaaaaa)", "web  (bbbbbbbb)"]),
        ({"aaaaaaaa-1": "web", "aaaaaaaa-2": "web"}, ["web (aaaaaaaa-1)", "web (aaaaaaaa-2)"]),
        ({"aaaaaaaa-1": "web", "aaaaaaaa-2": "db", "c": "web"}, ["web (aaaaaaaa-1)", "db", "web (c)"]),
        ({"aaaaaaaa-1": "caf\u00e9", "b": "cafe\u0301"}, ["caf\u00e9 (aaaaaaaa)", "cafe\u0301 (b)"]),
        ({"a": "web", "b": "web", "c": "web (a)"}, ["web (a)", "web (b)", "web (a) (c)"]),
        (
            {"a": "x" * 50 + "1" + "y" * 20, "b": "x" * 50 + "2" + "y" * 20, "c": "x" * 40},
            ["x" * 50 + "1" + "y" * 20 + " (a)", "x" * 50 + "2" + "y" * 20 + " (b)", "x" * 40],
        ),
        ({"a": "x" * 80, "b": "ab" * 200}, ["x" * 80, "ab" * 20 + "…" + "ab" * 5 + " (b)"]),
    ],
    ids=["others", "blanks", "longer where 8 are not enough", "of all", "composed", "disguised", "ends alike", "long"],
)
def test_what_looks_alike_is_told_apart(names: dict[str, str], called: list[str]) -> None:
    """Blanks, composed letters and the middle of long names are not seen; a start of a uuid is one of all uuids."""
    assert list(told_apart(names).values()) == called


@given(st.lists(st.sampled_from(["", "web", "web ", "web (a1)", "w\u0435b", "x" * 90, "x" * 91]), max_size=12))
def test_nobody_shares_what_it_is_called(names: list[str]) -> None:
    """Whatever the names are, and whoever is called what others come to be called, nobody is without one."""
    called = list(told_apart({f"a{number}": name for number, name in enumerate(names)}).values())
    assert len(set(called)) == len(names)
    assert all(name.strip() for name in called)


def test_srs_of_one_host_carry_the_host() -> None:
    """Every local SR is called `Local storage` after an installation; those of different names need no host."""
    srs = [replace(local_sr(uuid), name="Local storage") for uuid in ("l1", "l2")]
    assert dict(Names(local_problem(local_vm("web"), srs=srs).pool).srs)["l1"] == "Local storage (h1, l1)"
    assert dict(Names(local_problem(local_vm("web"), srs=[local_sr("l1")]).pool).srs)["l1"] == "l1"


def test_only_guests_count_among_vms() -> None:
    """XO gives a VM the name of its template; commands take no template."""
    vms = [make_vm("web"), replace(make_vm("template", is_a_template=True), name="web")]
    called = Names(make_pool(vms=vms)).vms
    assert (called["web"], called["template"]) == ("web", "web")


def test_references_that_lead_nowhere_name_whom_they_mean() -> None:
    """Two VMs of one name that both lack something are two sentences."""
    records: dict[str, Any] = small_records()
    (vm,) = records["VM"].values()
    uuids = ("aaaaaaaa-1", "bbbbbbbb-1")
    records["VM"] = {uuid: vm | {"uuid": uuid, "name_label": "web", "attached_PCIs": ["gone"]} for uuid in uuids}
    told = [each for each in pool_from_records(records).dangling if "PCI" in each]
    assert told == [f"VM web ({uuid[:8]}) names a PCI that is not in the database" for uuid in uuids]
