"""Who cannot leave a host whatever else moves: by which rule, on which other hosts, and what would open one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from rebalancer.problem import Problem
from rebalancer.rules import Blocked, Objection, Rulebook
from rebalancer.rules.fixes import SHUT_DOWN
from rebalancer.rules.stuck import Closed
from tests.local_disks import full_disk, local_problem, local_vm, with_disks
from tests.plan.made import pool_with
from tests.pools import policy_of, problem_of
from tests.two_pools import crossing_policy, one_pool, pool_vm, two_pools


def three_hosts(vms: dict[str, tuple[str, float]], **sections: Any) -> Problem:  # noqa: ANN401 - of the policy
    """Hosts h1 and h2 of 20 GiB and h3 of 12, with *vms* of so many GiB."""
    return problem_of(pool_with({"h1": 20, "h2": 20, "h3": 12}, vms), policy=policy_of(**sections))


def stuck(problem: Problem, *hosts: str) -> tuple[Blocked, ...]:
    """The VMs that cannot leave *hosts*."""
    return Rulebook.of(problem).stuck(hosts)


def test_room_that_others_may_leave_is_room() -> None:
    """Big finds none where "rests" never moves, and finds some as soon as it may; h3 is too small in any case."""
    vms = {"big": ("h1", 16.0), "rests": ("h2", 8.0), "small": ("h1", 2.0), "free": ("h3", 8.0)}
    (big,) = stuck(three_hosts(vms, never_move=["rests"]), "h1")
    assert (big.vm, big.host, big.rule, big.code) == ("big", "h1", "enough-memory", "HOST_NOT_ENOUGH_FREE_MEMORY")
    assert [(each.host, each.name, each.pool, len(each.objections)) for each in big.closed] == [
        ("h2", "h2", "", 2),
        ("h3", "h3", "", 2),
    ]
    assert all(each.words.endswith("even once all who may leave it have left") for each in big.closed[0].objections)
    assert stuck(three_hosts(vms), "h1") == ()


def test_only_the_hosts_that_are_asked_about() -> None:
    """All VMs that never move stand there by host and name, and each host has its own."""
    vms = {"b": ("h1", 1.0), "a": ("h1", 1.0), "c": ("h2", 1.0), "free": ("h2", 1.0)}
    problem = three_hosts(vms, never_move=["a", "b", "c"])
    assert [each.vm for each in stuck(problem, "h2")] == ["c"]
    assert [each.vm for each in stuck(problem, "h2", "h1")] == ["a", "b", "c"]
    (held,) = stuck(problem, "h2")
    assert [each.host for each in held.closed] == ["h1", "h3"]
    assert held.sentence.startswith("VM 'c' cannot leave host 'h2': never-move (is to stay where it is: ")
    assert held.fix == "change the policy or the tag"


def test_hosts_to_be_emptied_take_nobody() -> None:
    """Of two hosts that are emptied together, neither takes the VMs of the other."""
    vms = {"a": ("h1", 14.0), "kept": ("h3", 1.0)}
    problem = three_hosts(vms, mode="evacuate", empty=["h1", "h2"], never_move=["kept"])
    (held,) = stuck(problem, "h1")
    assert [each.host for each in held.closed] == ["h3"]
    book = Rulebook.of(problem)
    assert [book.may_leave(problem.pool.vms[vm]) for vm in ("a", "kept")] == [True, False]


def test_a_pool_of_one_host_has_no_other() -> None:
    """No rule is in the way, and the VM can only be shut down."""
    (alone,) = stuck(problem_of(pool_with({"h1": 20}, {"a": ("h1", 4.0)})), "h1")
    assert (alone.rule, alone.code, alone.closed) == ("one-host", None, ())
    assert (alone.sentence, alone.fix) == (
        "VM 'a' cannot leave host 'h1': there is no other host to go to",
        SHUT_DOWN,
    )


def test_another_pool_is_asked_last_and_by_its_own_rules() -> None:
    """Hosts of the other pool stand behind those of the VM's own, with its name, and say why disks may not go there."""
    problem = two_pools(one_pool("e", pool_vm("a", on="e1")), one_pool("w"), policy=crossing_policy(never_move=["a"]))
    (held,) = stuck(problem, "e1")
    assert [(each.host, each.pool) for each in held.closed] == [("e2", ""), ("w1", "west"), ("w2", "west")]
    rules = [[each.rule for each in closed.objections] for closed in held.closed]
    assert rules[1] == rules[2]
    assert "same-pool" not in rules[1]
    assert all("never-move" in each for each in rules)


def closed(*objections: Objection, host: str = "h2", pool: str = "") -> Closed:
    """A host with *objections*."""
    return Closed(host=host, name=host, pool=pool, objections=objections)


def test_the_sentence_counts_what_closes_the_others() -> None:
    """Where hosts are closed by different rules, each is told with how many it closes."""
    cpu = Objection(rule="cpu-features", code="X", words="lacks avx")
    full = replace(cpu, rule="enough-memory", words="is full")
    held = Blocked(
        vm="v",
        vm_name="web",
        host="h1",
        host_name="ash",
        rule="cpu-features",
        code="X",
        fix=SHUT_DOWN,
        closed=(closed(full), closed(cpu, full), closed(cpu)),
    )
    assert held.sentence == (
        "VM 'web' cannot leave host 'ash': of 3 other hosts cpu-features closes 2, enough-memory closes 1"
    )
    same = replace(held, closed=(closed(cpu), closed(cpu, full)))
    assert same.sentence == "VM 'web' cannot leave host 'ash': cpu-features (lacks avx)"
    told = same.as_json()
    assert (told["way_out"], told["vm"], "fix" in told) == (SHUT_DOWN, "v", False)


def closed_to_all(problem: Problem, host: str) -> Problem:
    """*problem* with *host* disabled."""
    hosts = dict(problem.pool.hosts)
    hosts[host] = replace(hosts[host], enabled=False)
    return replace(problem, pool=replace(problem.pool, hosts=hosts))


def test_one_open_host_is_enough() -> None:
    """A disabled one beside it changes nothing."""
    problem = closed_to_all(three_hosts({"a": ("h1", 4.0)}), "h3")
    assert Rulebook.of(problem).may_leave(problem.pool.vms["a"])
    assert stuck(problem, "h1") == ()


def test_what_closes_most_hosts_is_named() -> None:
    """Two hosts are full, one is disabled: memory is what is told first."""
    problem = problem_of(pool_with({"h1": 20, "h2": 10, "h3": 10, "h4": 20}, {"big": ("h1", 16.0)}))
    (big,) = stuck(closed_to_all(problem, "h4"), "h1")
    assert [each.objections[0].rule for each in big.closed] == ["enough-memory", "enough-memory", "target-enabled"]
    assert big.rule == "enough-memory"


def test_the_fix_opens_the_host_that_asks_for_least() -> None:
    """One thing settled rather than two; and none where something on every host cannot be settled."""
    problem = closed_to_all(three_hosts({"a": ("h1", 4.0)}, never_move=["a"]), "h2")
    (held,) = stuck(problem, "h1")
    assert [len(each.objections) for each in held.closed] == [2, 1]
    assert held.fix == "change the policy or the tag"
    (big,) = stuck(three_hosts({"big": ("h1", 16.0), "rests": ("h2", 8.0)}, never_move=["big", "rests"]), "h1")
    assert [each.objections[0].rule for each in big.closed] == ["never-move", "never-move"]
    assert big.fix == SHUT_DOWN


def test_groups_count_their_own_vms_alone() -> None:
    """A place that is free is free, whoever else is stuck there; only a hard group closes one."""
    pool = pool_with({"h1": 20, "h2": 20}, {"a": ("h1", 1), "x": ("h1", 1), "other": ("h1", 1), "rests": ("h2", 1)})

    def held(*vms: str, hard: bool = True) -> list[str]:
        group = {"name": "apart", "vms": vms, "hard": hard}
        problem = problem_of(pool, policy=policy_of(apart=[group], never_move=["rests"]))
        return [each.vm for each in stuck(problem, "h1")]

    assert held("a", "x") == []
    assert held("a", "rests") == ["a"]
    assert held("a", "rests", hard=False) == []


def test_disks_that_may_not_go_are_told_beside_what_xenmotion_lacks() -> None:
    """Inside a pool both would open the host: a disk that may travel, and an SR that the host sees."""
    disk = replace(full_disk("web-disk0", "l1"), cbt_enabled=True)
    (held,) = stuck(local_problem(local_vm("web"), vdis=[disk], policy=with_disks()), "h1")
    assert [each.rule for each in held.closed[0].objections] == ["no-cbt", "shared-sr-visible"]


def test_a_vm_that_some_host_may_take_needs_no_fix() -> None:
    """One of two hosts is closed to it; once both are, what opens one of them is told."""
    problem = closed_to_all(three_hosts({"a": ("h1", 4.0)}), "h2")
    assert Rulebook.of(problem).fix(problem.pool.vms["a"]) is None
    shut = closed_to_all(problem, "h3")
    assert str(Rulebook.of(shut).fix(shut.pool.vms["a"])) == "enable the host"


def test_only_what_the_vm_itself_can_mend_is_mendable() -> None:
    """A block is removed from it; that a host is disabled no setting of a VM changes."""
    problem = closed_to_all(three_hosts({"a": ("h1", 4.0)}), "h2")
    vm = replace(problem.pool.vms["a"], blocked_operations={"pool_migrate": "no"})
    changed = problem_of(replace(problem.pool, vms={**problem.pool.vms, "a": vm}))
    book, closed = Rulebook.of(changed), changed.pool.hosts["h2"]
    assert {each.rule for each in book.live.objections(vm, closed)} == {"op-not-blocked", "target-enabled"}
    assert [rule.id for rule, _ in book.mendable(vm, closed)] == ["op-not-blocked"]
