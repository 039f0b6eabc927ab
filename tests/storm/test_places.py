"""What is wrong with a pool at an instant is seen in its bare records."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rebalancer.simulator import Simulator
from rebalancer.simulator.state.database import Database
from tests.storm.places import NULL, Places
from tests.storm.situations import situation

PLACE = situation(1, 2)
"""VMs are to be apart there, and on certain hosts."""


def guest(database: Database) -> str:
    """The ref of a VM that runs and that the policy binds to hosts."""
    return database.by_uuid("VM", PLACE.plan.policy.run_on[0].vms[0])


def elsewhere(database: Database, vm: str) -> str:
    """The ref of a host that *vm* is not on."""
    return next(ref for ref, _ in database.items("host") if ref != database.get("VM", vm)["resident_on"])


def lost(database: Database) -> None:
    """Its record is gone."""
    database.remove("VM", guest(database))


def halted(database: Database) -> None:
    """It does not run any more."""
    database.change("VM", guest(database), power_state="Halted")


def homeless(database: Database) -> None:
    """It runs nowhere."""
    database.change("VM", guest(database), resident_on=NULL)


def claimed_twice(database: Database) -> None:
    """Two hosts have it."""
    vm = guest(database)
    host = elsewhere(database, vm)
    database.change("host", host, resident_VMs=[*database.get("host", host)["resident_VMs"], vm])


def doubled(database: Database) -> None:
    """Another record of it runs, too."""
    database.add("VM", dict(database.get("VM", guest(database))))


def crowded(database: Database) -> None:
    """A host has less memory than its VMs."""
    metrics = database.get("host", database.get("VM", guest(database))["resident_on"])["metrics"]
    database.change("host_metrics", metrics, memory_total=str(1 << 30))


def expected(database: Database) -> None:
    """A host with no room for it waits for it."""
    vm = guest(database)
    host = elsewhere(database, vm)
    used = sum(
        int(each["memory_dynamic_min"]) + int(each["memory_overhead"])
        for _, each in database.items("VM")
        if each["resident_on"] == host
    )
    total = used + int(database.get("host", host)["memory_overhead"])
    database.change("host_metrics", database.get("host", host)["metrics"], memory_total=str(total))
    database.change("VM", vm, scheduled_to_be_resident_on=host)


def unplugged(database: Database) -> None:
    """Its host sees no storage."""
    for ref, _ in database.items("PBD"):
        database.change("PBD", ref, currently_attached=False)


def unconnected(database: Database) -> None:
    """Its host has no port on its network."""
    host = database.get("VM", guest(database))["resident_on"]
    for ref, pif in database.items("PIF"):
        if pif["host"] == host:
            database.remove("PIF", ref)


@pytest.mark.parametrize(
    ("spoil", "kind"),
    [
        (lost, "lost"),
        (halted, "halted"),
        (homeless, "on no host"),
        (claimed_twice, "on a host that does not know it"),
        (doubled, "in two places"),
        (crowded, "more memory than there is"),
        (expected, "more memory than there is"),
        (unplugged, "without its disks"),
        (unconnected, "without its network"),
    ],
)
def test_what_is_wrong_is_seen(spoil: Callable[[Database], None], kind: str) -> None:
    """It was not wrong before."""
    database = Simulator(PLACE.pools[0]).database
    places = Places([database], PLACE.plan)
    before = {each.kind for each in places.complaints()}
    spoil(database)
    assert kind in {each.kind for each in places.complaints()} - before


def test_a_host_that_left_the_pool_takes_no_more_migrations() -> None:
    """A migration there is still on its way, and counts where it comes from."""
    database = Simulator(PLACE.pools[0]).database
    places = Places([database], PLACE.plan)
    for ref, vm in database.items("VM"):
        if vm["resident_on"] != NULL:
            database.change("VM", ref, current_operations={"ours": "pool_migrate"}, scheduled_to_be_resident_on="gone")
    assert {each.kind for each in places.crowds({"ours"})} == {"too many at once", "too many leave"}


def test_wishes_are_judged() -> None:
    """Once a plan is done, no more VMs of a group share a host than at first; none goes to a wrong host ever."""
    database = Simulator(PLACE.pools[0]).database
    places = Places([database], PLACE.plan)
    assert not list(places.broken_wishes())
    (apart,), host = PLACE.plan.policy.apart, next(ref for ref, _ in database.items("host"))
    for vm in apart.vms:
        database.change("VM", database.by_uuid("VM", vm), resident_on=host)
    assert "not apart" in {each.kind for each in places.broken_wishes()}
    bound = guest(database)
    before = set(places.complaints())
    wrong = next(ref for ref, each in database.items("host") if each["uuid"] not in PLACE.plan.policy.run_on[0].hosts)
    database.change("VM", bound, resident_on=wrong)
    assert "on a wrong host" in {each.kind for each in set(places.complaints()) - before}
