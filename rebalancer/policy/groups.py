"""Wishes about several VMs at once, as the policy file states them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from rebalancer.policy.section import Names, Section, Title


class GroupPolicy(Section):
    """VMs that one wish is about; `hard` wishes forbid, others count among what is to be repaired."""

    name: Title
    vms: Annotated[Names, Field(min_length=1)]
    hard: bool = True


class TogetherPolicy(GroupPolicy):
    """VMs that share one host."""


class ApartPolicy(GroupPolicy):
    """VMs of which at most `at_most` share a host."""

    at_most: Annotated[int, Field(ge=1)] = 1


class SpreadPolicy(GroupPolicy):
    """VMs of which at most `at_most` are in one failure domain, by default as few as an even spread allows.

    A host tagged `rack:A` is in domain A where `domain` is `rack`.
    """

    domain: Annotated[str, Field(pattern=r"^[^:\s][^:]*$")]
    at_most: Annotated[int, Field(ge=1)] | None = None


class RunOnPolicy(GroupPolicy):
    """VMs that run on some hosts only."""

    hosts: Annotated[Names, Field(min_length=1)]
