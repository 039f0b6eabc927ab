"""Hosts to spare: by hand, and against brute force on tiny pools."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebalancer.errors import PolicyError
from rebalancer.legality.report import legality_report
from rebalancer.placement import Placement
from rebalancer.policy import intent_of
from rebalancer.problem import problem_at
from rebalancer.rules import Rulebook
from rebalancer.rules.availability import spare
from rebalancer.rules.facts.memory_model import start_bytes
from rebalancer.units import GIB
from tests.pools import make_disk, make_host, make_sr, make_vdi, make_vm, policy_of, problem_of
from tests.rules.availability.spare_pools import (
    KEPT,
    TALL,
    THREE,
    TIGHT,
    moves,
    restarts_of,
    spare_pool,
    spare_rule,
    standing,
)
from tests.rules.row import vgpu


@pytest.mark.parametrize(
    ("vm", "host", "refused"),
    [
        pytest.param("c", "h1", False, id="while c moves, its own place is free again when its host fails"),
        pytest.param("b", "h3", True, id="a could restart nowhere: 3 GiB on h2 while b moves"),
        pytest.param("b", "h2", False, id="staying"),
    ],
)
def test_single_moves_by_hand(vm: str, host: str, refused: bool) -> None:
    """`a` restarts on h3 only, `b` on h3 only, `c` anywhere."""
    assert bool(moves(spare_pool(THREE, TIGHT), vm, host)) is refused


@pytest.mark.parametrize(
    ("room", "broken"),
    [({"h1": 4, "h2": 4}, False), ({"h1": 4, "h2": 3}, True), ({"h1": 4, "h2": 2, "h3": 3}, True)],
)
def test_standing_by_hand(room: dict[str, int], broken: bool) -> None:
    """One VM of 4 GiB on h1: another host of just 4 GiB is enough, less is not."""
    problem = spare_pool(room, (make_vm("a", on="h1", gib=4),))
    assert bool(standing(problem)) is broken


def test_words_name_host_vm_and_the_most_room() -> None:
    """A VM that restarts nowhere is named with its size and the host that has most room."""
    problem = spare_pool({"h1": 12, "h2": 5, "h3": 8}, (make_vm("y", on="h1", gib=12),))
    (found,) = standing(problem)
    assert found.words.startswith("if host 'h1' fails, VM 'y' (12.")
    assert "restarts nowhere: most free is 8.5 GiB on 'h3'" in found.words


def test_two_that_fit_one_by_one_do_not_fit_together() -> None:
    """Two VMs of 4 GiB, one place: the words say how many would have to restart in how much."""
    vms = (make_vm("a", on="h1", gib=4), make_vm("b", on="h1", gib=4), make_vm("c", on="h2", gib=5))
    problem = spare_pool({"h1": 8, "h2": 8, "h3": 7}, vms)
    (found,) = standing(problem)
    assert "2 VMs" in found.words
    assert "they do not all fit" in found.words


def test_off_or_unprotected_asks_for_nothing() -> None:
    """By default there is no limit, nor where no VM is protected."""
    assert spare_rule(spare_pool(THREE, TIGHT, hosts=0))[0].limits(spare_pool(THREE, TIGHT, hosts=0)) == ()
    problem = spare_pool(THREE, TIGHT, which="protected")
    assert spare_rule(problem)[0].limits(problem) == ()


def test_protected_only_restarts_those() -> None:
    """An unprotected VM counts where it is, and is not restarted."""
    vms = (make_vm("a", on="h1", gib=4, **KEPT), make_vm("b", on="h1", gib=4), make_vm("c", on="h2", gib=4))
    assert standing(spare_pool({"h1": 8, "h2": 8}, vms)) != ()
    problem = spare_pool({"h1": 8, "h2": 8}, vms, which="protected")
    assert standing(problem) == ()
    assert moves(problem, "b", "h2") != []


def test_vm_restarts_only_where_its_disks_are() -> None:
    """A disk on an SR that h1 and h2 see: room on h3 is no help."""
    room = {"h1": 8, "h2": 2, "h3": 20}
    vm = make_vm("a", on="h1", gib=4, vbds=(make_disk("a", vdi="disk"),))
    hosts = [
        make_host(
            name,
            memory_total_bytes=int((4.5 + gib) * GIB),
            memory_overhead_bytes=0,
            srs=("shared",) if name == "h3" else ("shared", "near"),
        )
        for name, gib in room.items()
    ]
    fields: dict[str, Any] = {"srs": (make_sr(), make_sr("near")), "vdis": (make_vdi("disk", sr="near"),)}
    problem = problem_of(hosts=hosts, vms=(vm,), policy=policy_of(spare={"hosts": 1, "vms": "all"}), **fields)
    assert restarts_of(problem).items.targets["a"] == {"h1", "h2"}
    (found,) = standing(problem)
    assert "on 'h2'" in found.words


def test_vm_with_devices_is_named_and_left_out() -> None:
    """Nobody can restart a VM with a PCI device of its host; the others of its host are kept all the same."""
    tied = make_vm("gpu", on="h1", gib=2, attached_pcis=("0000:04:00.0",))
    problem = spare_pool(THREE, (tied, *TIGHT))
    (found,) = standing(problem)
    assert found.words == "VM 'gpu' cannot be kept restartable: it has devices of its host"
    assert moves(problem, "b", "h3") != []


def test_too_many_failures_are_refused() -> None:
    """Two of 65 hosts are more failures than are looked at."""
    problem = spare_pool({f"h{number}": 8 for number in range(65)}, (), hosts=1)
    with pytest.raises(PolicyError, match="2 of 65 hosts can fail in 2080 ways"):
        intent_of(policy_of(spare={"hosts": 2}), problem.pool)


def test_disks_that_move_are_refused() -> None:
    """Where disks may move, no promise about restarts is made; without hosts to spare they may."""
    pool = spare_pool(THREE, ()).pool
    motion: dict[str, Any] = {"storage_motion": {"enabled": True}}
    with pytest.raises(PolicyError, match="which hosts can restart"):
        intent_of(policy_of(spare={"hosts": 1}, **motion), pool)
    assert intent_of(policy_of(**motion), pool).empty == {}


def test_start_is_what_has_to_get_no_worse() -> None:
    """On the way back what a plan gained may be lost again; what there was at the start may not."""
    problem = spare_pool({"h1": 9, "h2": 7, "h3": 5}, (make_vm("a", on="h1", gib=4), make_vm("b", on="h2", gib=6)))
    after = problem_at(problem, Placement({"a": "h3", "b": "h2"}))
    assert moves(replace(after, before=None), "a", "h1") != []
    assert moves(after, "a", "h1") == []


@pytest.mark.parametrize(
    ("changes", "restarts"),
    [
        pytest.param({}, True, id="two open hosts"),
        pytest.param({"enabled": False}, False, id="disabled"),
        pytest.param({"live": False}, False, id="dead"),
        pytest.param({"tags": ("emptied",)}, False, id="to be emptied"),
    ],
)
def test_restarts_only_on_open_hosts(changes: dict[str, Any], restarts: bool) -> None:
    """A host that is disabled, dead or to be emptied is no place to restart on."""
    hosts = [make_host("h1"), make_host("h2", **changes)]
    policy = policy_of(spare={"hosts": 1, "vms": "all"}, empty=("h2",) if "tags" in changes else ())
    problem = problem_of(hosts=hosts, vms=(make_vm("a", on="h1", gib=1),), policy=policy)
    assert (standing(problem) == ()) is restarts


@pytest.mark.parametrize("fields", [{"vgpus": (vgpu(),)}, {"vusbs": ("usb",)}, {"attached_pcis": ("0000:04:00.0",)}])
def test_devices_of_the_host_tie(fields: dict[str, Any]) -> None:
    """Any one kind of device is enough."""
    problem = spare_pool(THREE, (make_vm("gpu", on="h1", gib=2, **fields),))
    assert list(restarts_of(problem).bound) == ["gpu"]


def test_as_many_hosts_as_may_fail_are_too_few() -> None:
    """With two to spare a VM that two hosts can run is bound, one that three can run is not."""
    policy = {"spare": {"hosts": 2, "vms": "all"}}
    hosts = [make_host(f"h{number}") for number in range(1, 5)]
    pins = [
        {"name": "two", "vms": ["a"], "hosts": ["h1", "h2"]},
        {"name": "three", "vms": ["b"], "hosts": ["h1", "h2", "h3"]},
    ]
    vms = (make_vm("a", on="h1", gib=1), make_vm("b", on="h1", gib=1))
    limit = restarts_of(problem_of(hosts=hosts, vms=vms, policy=policy_of(**policy, run_on=pins)))
    assert limit.bound == {"a": "VM 'a' cannot be kept restartable: no more than 2 hosts can start it"}
    assert list(limit.items.size) == ["b"]


def test_three_failures_are_told_and_the_others_counted() -> None:
    """Of four failures that are not outlived three are told; three are told without a count."""
    four = spare_pool(
        {f"h{number}": 4 for number in range(4)}, tuple(make_vm(f"v{n}", on=f"h{n}", gib=4) for n in range(4))
    )
    (found,) = Rulebook(four, spare_rule(four)).violations(four.initial)
    assert found.words.count("restarts nowhere") == 3
    assert found.words.endswith("; and 1 more like these")
    (found,) = standing(spare_pool(THREE | {"h4": 0}, TALL))
    assert found.words.count("restarts nowhere") == 3
    assert "more like these" not in found.words


@pytest.mark.parametrize(("failing", "price"), [(1, 25), (2, 100)])
def test_questions_about_two_hosts_are_dearer(failing: int, price: int) -> None:
    """Ordering asks fewer of them."""
    assert restarts_of(spare_pool(THREE, TIGHT, hosts=failing)).price == price


def test_most_room_is_told_of_a_host_that_may_run_it() -> None:
    """Just enough room is no reason; where no host is left that may run the VM, the words say so."""
    vms = (make_vm("a", on="h1", gib=4), make_vm("b", on="h1", gib=4))
    problem = spare_pool({"h1": 8, "h2": 4}, vms)
    (found,) = standing(problem)
    assert found.words == (
        "if host 'h1' fails, 2 VMs (8.1 GiB) would have to restart in 4.5 GiB on 1 host: they do not all fit"
    )


@pytest.mark.parametrize(
    ("room", "failing", "words"),
    [
        ({"h1": 4, "h2": 4}, 1, "after each of the 2 ways in which one host can fail all VMs restart"),
        ({"h1": 4, "h2": 3}, 1, "after 1 of the 2 ways in which one host can fail VMs would not all restart"),
        ({"h1": 4, "h2": 4, "h3": 3}, 2, "after 1 of the 3 ways in which 2 hosts can fail VMs would not all restart"),
        (
            {"h1": 4, "h2": 4},
            2,
            "after each of the 1 way in which 2 hosts can fail all VMs restart; 1 VM cannot be kept restartable",
        ),
    ],
)
def test_report_says_how_failures_are_outlived(room: dict[str, int], failing: int, words: str) -> None:
    """Whether the pool has its hosts to spare now stands in what `check` shows; without such a policy, nothing does."""
    problem = spare_pool(room, (make_vm("a", on="h1", gib=4),), hosts=failing)
    assert legality_report(Rulebook(problem, spare_rule(problem))).spare == words
    off = spare_pool(room, (make_vm("a", on="h1", gib=4),), hosts=0)
    assert legality_report(Rulebook(off, spare_rule(off))).spare == ""


def test_what_fits_one_by_one_is_told_by_sums() -> None:
    """Room for one VM to the byte is no reason by itself: the words say that there are two."""
    vms = (make_vm("a", on="h1", gib=4), make_vm("b", on="h1", gib=4))
    need = start_bytes(vms[0], xen_vcpu_pages=False)
    hosts = [make_host("h1"), make_host("h2", memory_total_bytes=4 * GIB + need, memory_overhead_bytes=0)]
    problem = problem_of(hosts=hosts, vms=vms, policy=policy_of(spare={"hosts": 1, "vms": "all"}))
    (found,) = standing(problem)
    assert "2 VMs" in found.words


def test_a_question_does_not_spoil_the_next() -> None:
    """A small VM may go where a large one may not, asked one after the other in one state."""
    problem = spare_pool(THREE, (make_vm("s", on="h1", gib=0.25), *TIGHT))
    limit, where = restarts_of(problem), {vm: (host,) for vm, host in problem.initial.host_of.items()}
    assert limit.refuses("s", "h3", where) is None
    assert limit.refuses("b", "h3", where) is not None


@pytest.mark.parametrize(("hosts", "words"), [(0, "no host"), (1, "no more than 1 host"), (2, "no more than 2 hosts")])
def test_how_few_hosts_can_start_a_vm_is_counted_in_words(hosts: int, words: str) -> None:
    """None, one and several."""
    assert spare._bound(make_vm("a"), "a", hosts) == f"VM 'a' cannot be kept restartable: {words} can start it"
