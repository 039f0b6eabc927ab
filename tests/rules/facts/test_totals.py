"""What the VMs of hosts weigh together."""

from __future__ import annotations

from rebalancer.rules.facts.totals import at_the_start
from tests.pools import make_host, make_vm, problem_of


def test_what_is_not_listed_weighs_nothing() -> None:
    """Hosts without VMs are there, too."""
    hosts = (make_host("h1"), make_host("h2"), make_host("h3"))
    vms = (make_vm("a", on="h1"), make_vm("b", on="h1"), make_vm("c", on="h2"))
    assert at_the_start(problem_of(hosts=hosts, vms=vms), {"a": 3}) == {"h1": 3, "h2": 0, "h3": 0}
