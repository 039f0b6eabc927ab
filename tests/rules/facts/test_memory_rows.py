"""What hosts hold at most of memory."""

from __future__ import annotations

from rebalancer.rules.facts.memory_model import guest_bytes
from rebalancer.rules.facts.memory_rows import memory_rows
from tests.pools import make_host, make_vm, problem_of


def test_what_is_kept_is_kept_on_the_hosts_that_are_named() -> None:
    """To the byte: three for others and two in reserve on h1, nothing on h2."""
    problem = problem_of(hosts=(make_host("h1"), make_host("h2")), vms=(make_vm("a", on="h1"),))
    apart = {"h1": 3, "h2": 0}
    rows = memory_rows(problem, subject="memory", weights={"a": 1}, arrival={"a": 1}, apart=apart, reserve={"h1": 2})
    hosts = problem.pool.hosts.values()
    assert [guest_bytes(host) - row.upper for host, row in zip(hosts, rows, strict=True)] == [5, 0]


def test_a_host_that_does_not_say_keeps_what_it_has() -> None:
    """No byte more than its VMs take now, and none where it has none."""
    hosts = (make_host("h1", memory_total_bytes=None), make_host("h2", memory_total_bytes=None))
    problem = problem_of(hosts=hosts, vms=(make_vm("a", on="h1"), make_vm("b", on="h1")))
    weights = {"a": 5, "b": 7}
    rows = memory_rows(problem, subject="memory", weights=weights, arrival=weights, apart={"h1": 1, "h2": 1})
    assert [row.upper for row in rows] == [12, 0]
