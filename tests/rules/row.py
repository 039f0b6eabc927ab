"""What a row of the hand-written table is: a single move, that of `web` from h1 to h2, with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rebalancer.inventory import PGPU, VGPU
from rebalancer.inventory.pool import VGPUType
from rebalancer.problem import Problem
from tests.pools import (
    CPU_INFO,
    SOFTWARE,
    make_host,
    make_metrics,
    make_pool,
    make_tools,
    make_vm,
    policy_of,
    problem_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: what differs in the VM, in its host, in the target, in the pool, in the policy."""

    rule: str
    legal: bool
    vm: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    pool: Mapping[str, Any] = field(default_factory=dict)
    policy: Mapping[str, Any] = field(default_factory=dict)

    def problem(self) -> Problem:
        """The pool of this row, as a problem."""
        parts = dict(self.pool)
        vms = (make_vm("web", **{"on": "h1", **self.vm}), *parts.pop("vms", ()))
        hosts = (make_host("h1", **self.source), make_host("h2", **self.target))
        return problem_of(make_pool(hosts=hosts, vms=vms, **parts), policy=policy_of(**self.policy))


def legal(rule: str, **changes: Any) -> Row:  # noqa: ANN401 - the fields of a row
    """A move to which *rule* has nothing to say, but nearly."""
    return Row(rule=rule, legal=True, **changes)


def illegal(rule: str, **changes: Any) -> Row:  # noqa: ANN401 - the fields of a row
    """A move to which *rule* objects, but only just."""
    return Row(rule=rule, legal=False, **changes)


def guest(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of GuestMetrics
    """A VM whose guest agent reports something else."""
    return {"guest_metrics": make_tools(**changes)}


def metrics(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of VMMetrics
    """A VM whose domain is another."""
    return {"metrics": make_metrics(**changes)}


def booted_with(**flags: str) -> dict[str, Any]:
    """A VM that was booted on such a CPU."""
    return {"last_boot_cpu_flags": {"vendor": "GenuineIntel", "features": CPU_INFO["features_hvm"]} | flags}


def cpu(**info: str) -> dict[str, Any]:
    """A host with such a CPU."""
    return {"cpu_info": CPU_INFO | info}


def software(**versions: str) -> dict[str, Any]:
    """A host with such versions."""
    return {"software_version": SOFTWARE | versions}


def vgpu(**changes: Any) -> VGPU:  # noqa: ANN401 - fields of VGPU
    """An NVIDIA GPU that runs on the card of h1."""
    values: dict[str, Any] = {
        "uuid": "gpu",
        "type": "t4",
        "gpu_group": "group",
        "resident_on": "h1-card",
        "scheduled_to_be_resident_on": None,
        "pci": None,
        "gpu_types": ("10de/1eb8",),
    }
    return VGPU(**values | changes)


def card(host: str, **changes: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of PGPU
    """A host with a card that takes two virtual GPUs, and says with what it is compatible."""
    values: dict[str, Any] = {
        "uuid": f"{host}-card",
        "gpu_group": "group",
        "pci": None,
        "enabled_types": ("t4",),
        "max_capacities": {"t4": 2},
        "resident_vgpus": (),
        "compatibility_metadata": {"nvidia": "525"},
        "gpu_types": ("10de/1eb8",),
    }
    return {"pgpus": (PGPU(**values | changes),)}


def vgpu_types(implementation: str = "nvidia") -> dict[str, Any]:
    """A pool that knows the kind of GPU."""
    return {"vgpu_types": {"t4": VGPUType(uuid="t4", model_name="T4", implementation=implementation)}}


def without(fields: Mapping[str, str], *keys: str) -> dict[str, str]:
    """A map without some keys."""
    return {key: value for key, value in fields.items() if key not in keys}


def neighbour(count: int) -> dict[str, Any]:
    """A pool with another VM that has *count* virtual GPUs on the card of h2."""
    gpus = tuple(vgpu(uuid=f"n{number}", resident_on="h2-card") for number in range(count))
    return vgpu_types() | {"vms": (make_vm("neighbour", on="h2", vgpus=gpus),)}
