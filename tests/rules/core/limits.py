"""Limits as a test wants them, on three hosts."""

from __future__ import annotations

from typing import ClassVar

from rebalancer.problem import Problem
from rebalancer.rules import Affinity, Origin, PoolRule, Row, StateLimit, When
from tests.pools import make_host, make_vm, problem_of

HOSTS = ("h1", "h2", "h3")


class Limits(PoolRule):
    """A rule that has whatever limits a test wants."""

    id = "limits"
    sentence = "As the test wants."
    source = "the test"
    origin = Origin.POLICY
    when: ClassVar[When] = When.EVERY_STEP

    def __init__(self, *limits: Row | Affinity | StateLimit) -> None:
        self._limits = limits

    def limits(self, problem: Problem) -> tuple[Row | Affinity | StateLimit, ...]:  # noqa: ARG002 - every rule is handed the problem
        """The limits of the test."""
        return self._limits


def three_hosts(**where: str) -> Problem:
    """Three hosts, and VMs where they are said to be."""
    hosts = [make_host(name) for name in HOSTS]
    return problem_of(hosts=hosts, vms=[make_vm(vm, on=host) for vm, host in where.items()])
