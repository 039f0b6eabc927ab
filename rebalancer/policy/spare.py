"""Hosts to spare, as the policy asks for them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from rebalancer.policy.section import Section


class Covered(StrEnum):
    """Which VMs are to be restarted when hosts fail."""

    PROTECTED = "protected"
    ALL = "all"


class SparePolicy(Section):
    """How many hosts may fail, and which VMs then restart on the others; 0 asks for nothing.

    Protected are those whose `ha_restart_priority` is `restart`.
    """

    hosts: Annotated[int, Field(ge=0)] = 0
    vms: Covered = Covered.PROTECTED
