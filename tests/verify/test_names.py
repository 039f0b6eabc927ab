"""A reviewer reads names and a summary: they are those of what moves, even where the digest was computed again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from rebalancer.diff.drift import differences
from rebalancer.inventory import Pool
from rebalancer.inventory.digest import LEFT_OUT, NAMES
from rebalancer.inventory.renaming import called
from rebalancer.plan import FindingKind, HostRow, LeftAlone, OldViolation, Plan, sealed
from rebalancer.tier import HeldTo
from rebalancer.verify.tolerance import alike
from rebalancer.verify.verify import verify_plan
from tests.export.cases import CASES
from tests.inventory.changed import with_changed
from tests.plan.made import LATER, goal_of, plan_of, pool_with
from tests.planner.busy import PLAN, busy_pool, edited, verdict
from tests.pools import make_pool, make_vm, policy_of, problem_of


def with_host_named(plan: Plan, name: str) -> Plan:
    """*plan* with another name of its first host."""
    return replace(plan, hosts=(replace(plan.hosts[0], name=name), *plan.hosts[1:]))


def with_tier(plan: Plan, **changes: Any) -> Plan:  # noqa: ANN401 - any field of a tier
    """*plan* with another second objective, and the summary that goes with it."""
    return replace(plan, tiers=(plan.tiers[0], replace(plan.tiers[1], **changes), *plan.tiers[2:]))


def with_peak(plan: Plan, slot: int) -> Plan:
    """*plan* with its busiest host busy at another hour."""
    busiest = max(plan.hosts, key=lambda row: row.before.peak_share or 0.0)
    changed = replace(busiest, before=replace(busiest.before, peak_slot=slot))
    rows: tuple[HostRow, ...] = tuple(changed if row is busiest else row for row in plan.hosts)
    return replace(plan, hosts=rows)


def with_stranger(plan: Plan) -> Plan:
    """*plan* with the load of a VM that it does not move."""
    assert plan.load
    first, *others = plan.load.vms
    return replace(plan, load=replace(plan.load, vms=(replace(first, uuid="stranger"), *others)))


LIES: dict[str, tuple[Callable[[Plan], Plan], str]] = {
    "VM of a step": (lambda plan: edited(plan, 0, vm_name="other"), "steps[0].vm_name is 'other', and should be '"),
    "source of a step": (
        lambda plan: edited(plan, 0, source_name="h9"),
        "steps[0].source_name is 'h9', and should be 'h3'",
    ),
    "target of a step": (
        lambda plan: edited(plan, 1, target_name="h9"),
        "steps[1].target_name is 'h9', and should be 'h",
    ),
    "VM on the way back": (
        lambda plan: replace(plan, rollback=(replace(plan.rollback[0], vm_name="other"), *plan.rollback[1:])),
        "rollback[0].vm_name is 'other', and should be '",
    ),
    "host": (lambda plan: with_host_named(plan, "h9"), "hosts[0].name is 'h9', and should be 'h1'"),
    "pool": (
        lambda plan: replace(plan, made_from=replace(plan.made_from, pool_name="another")),
        "made_from.pool_name is 'another', and should be '",
    ),
    "VM left alone": (
        lambda plan: replace(
            plan, left_alone=(LeftAlone(kind="vm", uuid="db", name="web-1", rule="never-move", words="x"),)
        ),
        "left_alone[0].name is 'web-1', and should be 'db'",
    ),
    "reason of a step": (
        lambda plan: edited(plan, 0, why="relieves h9"),
        "steps[0].why is 'relieves h9', and should be 'makes room on h3",
    ),
    "reason on the way back": (
        lambda plan: replace(plan, rollback=(replace(plan.rollback[0], why="for fun"), *plan.rollback[1:])),
        "rollback[0].why is 'for fun', and should be 'back to where it was'",
    ),
    "home, which it is not": (lambda plan: replace(plan, outcome="home"), ", and should be 'back to where it was'"),
    "summary": (
        lambda plan: replace(plan, summary="Nothing to do."),
        "summary is 'Nothing to do.', and should be '5 steps, 1 of them",
    ),
    "unit": (
        lambda plan: with_tier(plan, unit="ducks"),
        "tiers[1].unit is 'ducks', and should be 'weighted pCPU-hours'",
    ),
    "sentence": (lambda plan: with_tier(plan, sentence="All is well."), "tiers[1].sentence is 'All is well.', and"),
    "proof": (
        lambda plan: with_tier(plan, bound=plan.tiers[1].after - 1, proved=True),
        "tiers[1].proved is True, and should be False",
    ),
    "a condition that the plan itself does not keep": (
        lambda plan: with_tier(plan, held=(HeldTo(objective="migration-cost", unit="GiB", most=1.0),)),
        "tiers[1].held[0].most is 1.0, and should be",
    ),
    "unit of a condition": (
        lambda plan: with_tier(plan, held=(HeldTo(objective="migration-cost", unit="ducks", most=1e6),)),
        "tiers[1].held[0].unit is 'ducks', and should be 'GiB'",
    ),
    "busiest hour": (lambda plan: with_peak(plan, 23), "before.peak_slot is 23, and should be 14"),
    "no hour": (lambda plan: with_peak(plan, -1), "before.peak_slot is -1, and should be 14"),
    "demand of a stranger": (with_stranger, "not that of the VMs that it moves"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_although_the_digest_fits(lie: str) -> None:
    """Whatever people go by is held against the pool."""
    edit, words = LIES[lie]
    found = verdict(sealed(edit(PLAN)))
    assert "digest" not in {each.rule for each in found}
    assert any(words in each.words for each in found)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda old: (replace(old, words="all is well"),),
            "[0].words is 'all is well', and should be \"VMs of group 'g'",
        ),
        (lambda old: (replace(old, mended=False),), "[0].mended is False, and should be True"),
        (lambda old: (), "[0] is not there, and should be VMs of group 'g'"),  # noqa: ARG005 - an edit takes the violation
        (lambda old: (old, old), "[1] should not be there: VMs of group 'g'"),
    ],
)
def test_what_was_broken_is_held_against_the_rules(
    edit: Callable[[OldViolation], tuple[OldViolation, ...]], words: str
) -> None:
    """Its words, whether the plan mends it, and that there is one."""
    pool = pool_with({"h1": 30, "h2": 30}, {"a": ("h1", 4), "b": ("h1", 4)})
    problem = problem_of(pool, policy=policy_of(apart=[{"name": "g", "vms": ["a", "b"], "hard": False}]))
    plan = plan_of(problem, goal_of(problem, a="h2"))
    assert verify_plan(plan, pool, now=LATER) == ()
    (found,) = verify_plan(sealed(replace(plan, old_violations=edit(plan.old_violations[0]))), pool, now=LATER)
    assert found.words.startswith(f"old_violations{words}")


def test_a_wish_that_is_given_up_has_to_be_told() -> None:
    """Whoever takes the warning out of a plan that breaks a soft group is refused."""
    pool = pool_with({"h1": 30, "h2": 30}, {"a": ("h1", 4), "b": ("h2", 4)})
    policy = policy_of(mode="evacuate", empty=["h1"], apart=[{"name": "g", "vms": ["a", "b"], "hard": False}])
    problem = problem_of(pool, policy=policy)
    plan = plan_of(problem, goal_of(problem, a="h2"))
    assert verify_plan(plan, pool, now=LATER) == ()
    silent = sealed(replace(plan, warnings=plan.warnings[1:]))
    (found,) = verify_plan(silent, pool, now=LATER)
    assert found.words.startswith(
        'warnings[1] is not there, and should be "the plan gives up a wish that held before: '
    )


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("relieves h1, at 112% of its threshold at 19:00", "relieves h1, at 113% of its threshold at 18:00", True),
        ("relieves h1, at 112% of its threshold at 19:00", "relieves h1, at 114% of its threshold at 19:00", False),
        (
            "relieves h1, at 112% of its threshold at Mon 19:00",
            "relieves h2, at 112% of its threshold at Mon 19:00",
            False,
        ),
        ("relieves h1, at 112% of its threshold", "relieves h1, at % of its threshold", False),
    ],
)
def test_what_rounding_leaves_is_no_lie(one: str, other: str, *, same: bool) -> None:
    """A percent more or less, and the hour of a peak, which is held against the load; not a percent without number."""
    assert alike(one, other) is same


def test_the_plan_itself_is_accepted() -> None:
    """So that the edits above are what is refused."""
    assert verdict(PLAN) == ()


def renamed(pool: Pool, **names: str) -> Pool:
    """*pool* with VMs and hosts renamed, by their uuids."""
    return called(pool, {uuid.rstrip("_"): name for uuid, name in names.items()})


def test_what_was_renamed_since_is_told_and_changes_nothing() -> None:
    """VMs, hosts and SRs go by their uuids; the plan's figures, reasons and names are still compared, as they were."""
    pool = renamed(busy_pool(), big="new name", h1="", shared="filer", pool_="other pool", db="web-1")
    assert verdict(PLAN, pool) == ()
    assert differences(PLAN, pool) == (
        "pool test pool is now called other pool",
        "host h1 is now called (h1)",
        "VM big is now called new name",
        "VM db is now called web-1 (db)",
        "SR shared is now called filer",
    )
    wrong = sealed(edited(PLAN, 0, why="for fun"))
    assert [each.words.split(",")[0] for each in verdict(wrong, pool)] == ["steps[0].why is 'for fun'"]


def test_a_name_that_was_edited_is_told_like_a_new_one_at_best() -> None:
    """Edited in one place it is refused; edited wherever the plan has it, people are told who that is."""
    step = PLAN.steps[0]
    names = dict(PLAN.made_from.names or {}) | {step.vm: "other"}
    lied = sealed(replace(PLAN, made_from=replace(PLAN.made_from, names=names)))
    assert verdict(lied)
    consistent = replace(PLAN.made_from, names={**names, "log": "nobody"})
    assert differences(replace(PLAN, made_from=consistent), busy_pool())[-1] == "VM nobody is now called log"


def test_a_twin_that_comes_or_goes_changes_no_name() -> None:
    """A name that others have is marked with the start of the uuid: with the mark or without it, it is the same VM."""
    uuid = "0b1c2d3e-0000-4000-8000-000000000001"
    hosts = {"h1": 30, "h2": 30}
    pool = renamed(pool_with(hosts, {uuid: ("h1", 4), "twin": ("h1", 4)}), **{uuid: "web", "twin": "web"})
    problem = problem_of(pool)
    plan = plan_of(problem, goal_of(problem, **{uuid: "h2"}))
    assert plan.steps[0].vm_name == "web (0b1c2d3e)"
    alone = replace(pool, vms={key: vm for key, vm in pool.vms.items() if key != "twin"})
    assert verify_plan(plan, alone, now=LATER) == ()
    lied = sealed(edited(plan, 0, vm_name="web (0b1c2d3f)"))
    assert "steps[0].vm_name" in " ".join(each.words for each in verify_plan(lied, alone, now=LATER))


def test_many_new_names_of_others_are_summed_up() -> None:
    """What the plan moves or shows is told one by one."""
    pool = pool_with({"h1": 30, "h2": 30}, {f"v{number}": ("h1", 1) for number in range(9)})
    problem = problem_of(pool)
    plan = plan_of(problem, goal_of(problem, v0="h2"))
    told = differences(plan, renamed(pool, **{f"v{number}": f"w{number}" for number in range(9)}))
    assert told[0] == "VM v0 is now called w0"
    assert told[1].startswith("8 other names changed: VM v1 is now called w1; ")
    assert len(told) == 2


def pinned_plan(**policy: Any) -> tuple[Plan, Pool]:  # noqa: ANN401 - any section
    """VM a, called A, goes to h2 under *policy*; and the pool."""
    pool = renamed(pool_with({"h1": 30, "h2": 30}, dict.fromkeys("abc", ("h1", 4))), a="A", b="B", c="C")
    problem = problem_of(pool, policy=policy_of(**policy))
    return plan_of(problem, goal_of(problem, a="h2")), pool


def test_a_policy_that_names_a_vm_means_the_one_that_had_the_name() -> None:
    """The pinned VM stays pinned under a new name, and nobody is void for a name that is gone."""
    plan, pool = pinned_plan(never_move=["B"])
    assert verify_plan(plan, renamed(pool, b="new"), now=LATER) == ()
    assert verify_plan(plan, renamed(pool, a="a2", c="c2"), now=LATER) == ()


def test_a_vm_that_takes_a_name_of_the_policy_is_bound_by_it() -> None:
    """Who calls the VM that moves as the policy calls a pinned one is heard, before and after he renames the other."""
    plan, pool = pinned_plan(never_move=["B"])
    for names in ({"a": "B", "b": "A"}, {"a": "B", "b": "old B"}):
        (found,) = verify_plan(plan, renamed(pool, **names), now=LATER)
        assert (found.kind, found.rule) == (FindingKind.ILLEGAL, "never-move")
        assert found.words.endswith("by the names that things have now")


@pytest.mark.parametrize(
    ("tag", "rule"), [("rebalancer:never-move", "never-move"), ("xo:load:balancer:ignore", "never-move"), ("x", None)]
)
def test_a_tag_counts_by_what_it_means(tag: str, rule: str | None) -> None:
    """A tag that pins the VM voids the plan; one that nobody reads is nothing, not even told."""
    plan, pool = pinned_plan()
    tagged = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], tags=(tag,))})
    assert {each.rule for each in verify_plan(plan, tagged, now=LATER)} == ({rule} if rule else set())
    assert differences(plan, tagged) == (
        ("the policy means something else than it did: tags, VM groups or the VMs that run have changed",)
        if rule
        else ()
    )


def test_a_tag_that_a_selector_reads_counts() -> None:
    """Tagged as the policy says, the VM that moves is pinned; a tag that is gone leaves the policy nobody to mean."""
    bystander = make_vm("b", tags=("keep",))
    pool = make_pool(vms=[make_vm("a"), bystander])
    problem = problem_of(pool, policy=policy_of(never_move=["tag:keep"]))
    plan = plan_of(problem, goal_of(problem, a="h2"))
    now = replace(pool, vms={**pool.vms, "a": replace(pool.vms["a"], tags=("keep",))})
    assert {each.rule for each in verify_plan(plan, now, now=LATER)} == {"never-move"}
    bare = replace(pool, vms={**pool.vms, "b": replace(bystander, tags=())})
    assert {each.rule for each in verify_plan(plan, bare, now=LATER)} == {"policy"}


UNLESS_FULL = {"memory_actual_bytes", "physical_utilisation_bytes"}
"""Measured anew for every proof: these plans use up memory and SRs to the last byte."""


@pytest.mark.parametrize("name", sorted(CASES))
def test_no_field_that_is_no_rules_business_voids_any_plan(name: str) -> None:
    """With disks, between two pools, parts and ways back: names, notes and measurements change all at once."""
    case = CASES[name]()
    pool = case.pool
    for table in (NAMES, LEFT_OUT):
        for kind, fields in table.items():
            for field in sorted(fields - UNLESS_FULL - {"vms", "vdis"}):
                pool = with_changed(pool, kind, field)
    assert verify_plan(case.plan, pool, case.demand, now=LATER) == ()


def somewhere(plan: Plan, number: int, *, moment: str, vms: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Plan:
    """*plan* with other VMs on a host, `before` or `after`."""
    row = plan.hosts[number]
    state = replace(getattr(row, moment), vms=vms(getattr(row, moment).vms))
    rows = [replace(row, **{moment: state}) if at == number else each for at, each in enumerate(plan.hosts)]
    return replace(plan, hosts=tuple(rows))


UNKNOWN: dict[str, Callable[[Plan], Plan]] = {
    **{
        f"{field} of step {number}": lambda plan, field=field, number=number: edited(plan, number, **{field: "ghost"})  # type: ignore[misc]
        for field in ("vm", "source", "target")
        for number in range(len(PLAN.steps))
    },
    **{
        f"{field} on the way back": lambda plan, field=field: replace(  # type: ignore[misc]
            plan, rollback=(*plan.rollback[:-1], replace(plan.rollback[-1], **{field: "ghost"}))
        )
        for field in ("vm", "source", "target")
    },
    **{
        f"VM of host {number} {moment}": lambda plan, number=number, moment=moment: somewhere(  # type: ignore[misc]
            plan, number, moment=moment, vms=lambda vms: (*vms[:-1], "ghost")
        )
        for number in range(len(PLAN.hosts))
        for moment in ("before", "after")
    },
    "host": lambda plan: replace(plan, hosts=(replace(plan.hosts[0], uuid="ghost"), *plan.hosts[1:])),
}


@pytest.mark.parametrize("what", UNKNOWN)
def test_uuid_that_the_pool_does_not_have_is_refused(what: str) -> None:
    """Whatever a plan names that is not in the pool it says it was made from is a finding, and never a crash."""
    found = verdict(sealed(UNKNOWN[what](PLAN)))
    assert any("ghost" in str(finding) for finding in found)


def test_vm_that_stands_twice_on_its_host_is_refused() -> None:
    """Reviewers see how many VMs a host has."""
    found = verdict(sealed(somewhere(PLAN, 0, moment="after", vms=lambda vms: (*vms, vms[0]))))
    assert [finding.rule for finding in found] == ["figures"]
