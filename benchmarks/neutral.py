"""Instances of the format `xs-neutral/1` as problems: pool, load profile and policy in memory, nothing else."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rebalancer.demand import LoadProfile, Quality
from rebalancer.inventory import VM, HighAvailability, Host, MemoryRange, Pool, PowerState, Uuid, VMMetrics
from rebalancer.policy import LimitsPolicy, ObjectivePolicy, Policy
from rebalancer.policy.model import CapacityPolicy
from rebalancer.policy.presets import LEVELS
from rebalancer.policy.sections import ApartPolicy, RunOnPolicy, TogetherPolicy
from rebalancer.problem import Problem, make_problem
from rebalancer.rules import Origin, PoolRule, Row, Rule, Weights, When
from rebalancer.rules.wishes.keep_apart import KeepApart
from rebalancer.rules.wishes.keep_together import KeepTogether
from rebalancer.rules.wishes.must_run_on import MustRunOn

Json = Mapping[str, Any]

ROOT = Path(__file__).resolve().parent.parent
INSTANCES = Path(os.environ.get("REBALANCER_SHARED_DATA", ROOT.parent / "shared" / "data")) / "instances"
"""The shared instances."""

AREA_ABOVE = 0.8
AREA_FIRST = 1e-6
"""pCPU-hours for a GiB: so little that no whole pool copied outweighs a thousandth of a pCPU-hour."""


class PlainMemory(PoolRule):
    """What the format says, and no more: no shadow pages, no whole MiB."""

    id = "memory"
    sentence = "The memory of the VMs on a host fits what dom0 and Xen leave."
    source = "the format xs-neutral/1"
    origin = Origin.POLICY
    when = When.EVERY_STEP

    def limits(self, problem: Problem) -> tuple[Row, ...]:
        """One row a host, in bytes."""
        weights = Weights.same({vm: problem.pool.vms[vm].migration_memory_bytes for vm in problem.initial})
        return tuple(
            Row(
                subject="memory",
                places=frozenset({uuid}),
                weights=weights,
                upper=(host.memory_total_bytes or 0) - host.memory_overhead_bytes,
            )
            for uuid, host in problem.pool.hosts.items()
        )


RULES: tuple[Rule, ...] = (PlainMemory(), MustRunOn(), KeepApart(), KeepTogether())


def read_instance(path: Path) -> Json:
    """The instance in a file, plain or gzip."""
    body = path.read_bytes()
    content: Json = json.loads(gzip.decompress(body) if path.suffix == ".gz" else body)
    if content.get("format") != "xs-neutral/1":
        raise ValueError(f"{path} is not an instance of xs-neutral/1")
    return content


def pools(instance: Json) -> tuple[Json, ...]:
    """The instance as one instance for each of its pools: no VM leaves its pool."""
    return tuple(_alone(instance, pool) for pool in sorted({host["pool"] for host in instance["hosts"]}))


def _alone(instance: Json, pool: str) -> Json:
    """What of the instance is in one pool."""
    hosts = [host for host in instance["hosts"] if host["pool"] == pool]
    names = {host["id"] for host in hosts}
    vms = [vm for vm in instance["vms"] if vm["host"] in names]
    inside = {vm["id"] for vm in vms}
    rules = {
        kind: [rule for rule in found if inside.issuperset(rule.get("vms", ()) or (rule["vm"],))]
        for kind, found in instance["constraints"].items()
    }
    return {**instance, "name": f"{instance['name']} {pool}", "hosts": hosts, "vms": vms, "constraints": rules}


def problem_of(instance: Json, *, seconds: float, seed: int) -> Problem:
    """The instance as a problem: area above 0.8 first, then GiB copied."""
    policy = Policy(
        name=instance["name"],
        objective=ObjectivePolicy(threshold=AREA_ABOVE, pcpu_hours_per_gib=AREA_FIRST, pcpu_hours_per_move=0.0),
        capacity=CapacityPolicy(memory_reserve_mib=0),
        limits=LimitsPolicy(solve_seconds=seconds, seed=seed, minimum_gain_pcpu_hours=0, gap_pcpu_hours=0),
        **_groups(instance["constraints"]),
    )
    return make_problem(pool_of(instance), profile_of(instance), policy)


def with_peaks(problem: Problem, budget: int) -> Problem:
    """The same problem with *budget* VMs of each host peaking together, by up to half of what they need: drawn."""
    if problem.demand is None or not budget:
        return problem
    needs = problem.demand.vm_pcpu
    peaks = np.round(needs * np.random.default_rng(1).uniform(0, 0.5, needs.shape), 3)
    demand = problem.policy.demand.model_copy(update={"robust": True, "budget": budget})
    return replace(
        problem,
        demand=replace(problem.demand, vm_deviation_pcpu=peaks),
        policy=problem.policy.model_copy(update={"demand": demand}),
    )


def _groups(constraints: Json) -> dict[str, Any]:
    """The rules of an instance as the policy writes them."""
    return {
        "apart": tuple(ApartPolicy(name=each["name"], vms=tuple(each["vms"])) for each in constraints["anti_affinity"]),
        "together": tuple(
            TogetherPolicy(name=each["name"], vms=tuple(each["vms"])) for each in constraints["affinity"]
        ),
        "run_on": tuple(
            RunOnPolicy(name=f"pin {each['vm']}", vms=(each["vm"],), hosts=tuple(each["hosts"]))
            for each in constraints["pinned"]
        ),
    }


def profile_of(instance: Json) -> LoadProfile:
    """The load of an instance."""
    vms, hosts = instance["vms"], instance["hosts"]
    end = datetime(2011, 4, 20, tzinfo=UTC)
    return LoadProfile(
        vms=tuple(vm["id"] for vm in vms),
        hosts=tuple(host["id"] for host in hosts),
        vm_pcpu=np.array([vm["cpu_profile"] for vm in vms], dtype=np.float64).reshape(len(vms), instance["slots"]),
        host_base_pcpu=np.array([host["base_cpu_profile"] for host in hosts], dtype=np.float64),
        slot_hours=instance["slot_minutes"] / 60,
        quality={vm["id"]: Quality.MEASURED for vm in vms},
        percentile=95.0,
        window_start=end,
        window_end=end,
        timezone="UTC",
        source=instance["name"],
    )


def pool_of(instance: Json) -> Pool:
    """The hosts and VMs of an instance, with nothing that could keep a VM from moving."""
    hosts = {each["id"]: _host(each) for each in sorted(instance["hosts"], key=lambda each: str(each["id"]))}
    vms = {each["id"]: _vm(each) for each in sorted(instance["vms"], key=lambda each: str(each["id"]))}
    return Pool(
        uuid=instance["name"],
        name=instance["name"],
        coordinator=next(each["id"] for each in instance["hosts"] if each["master"]),
        default_sr=None,
        ha=HighAvailability(enabled=False, host_failures_to_tolerate=0, plan_exists_for=0, allow_overcommit=False),
        wlb_enabled=False,
        migration_compression=False,
        other_config={},
        restrictions={},
        cpu_info={},
        tags=(),
        hosts=hosts,
        vms=vms,
        vdis={},
        srs={},
        networks={},
        storage_drivers={},
        vm_groups={},
        vgpu_types={},
    )


def _host(each: Json) -> Host:
    """A live host of the newest version; what dom0 and Xen take counts as Xen's."""
    return Host(
        uuid=each["id"],
        name=each["id"],
        hostname=each["id"],
        address="127.0.0.1",
        enabled=True,
        live=True,
        memory_total_bytes=each["memory_bytes"],
        memory_overhead_bytes=each["memory_reserved_bytes"],
        cpu_info={"cpu_count": str(each["cpus"]), "vendor": "GenuineIntel", "features": "", "socket_count": "2"},
        software_version={"product_version": "8.3.0", "xapi": "25.6", "product_brand": "XCP-ng"},
        capabilities=(),
        chipset_info={},
        license_params={},
        virtual_hardware_platform_versions=(0, 1, 2, 3),
        current_operations=(),
        other_config={},
        tags=(),
        pbds=(),
        pifs=(),
        pgpus=(),
    )


def _vm(each: Json) -> VM:
    """A running VM without disks or networks, guest tools in place."""
    memory = each["memory_bytes"]
    vcpus = each["vcpus"]
    return VM(
        uuid=each["id"],
        name=each["id"],
        power_state=PowerState.RUNNING,
        is_a_template=False,
        is_default_template=False,
        is_a_snapshot=False,
        is_control_domain=False,
        resident_on=each["host"],
        scheduled_to_be_resident_on=None,
        affinity=None,
        memory=MemoryRange(
            static_min_bytes=memory, dynamic_min_bytes=memory, dynamic_max_bytes=memory, static_max_bytes=memory
        ),
        memory_overhead_bytes=0,
        vcpus_max=vcpus,
        vcpus_at_startup=vcpus,
        vcpus_params={},
        hvm_shadow_multiplier=1.0,
        hvm_boot_policy="BIOS order",
        domain_type=None,
        platform={},
        other_config={},
        tags=(),
        blocked_operations={},
        current_operations=(),
        hardware_platform_version=0,
        last_boot_cpu_flags={},
        ha_always_run=False,
        ha_restart_priority="",
        actions_after_crash="restart",
        groups=(),
        vbds=(),
        vifs=(),
        vgpus=(),
        vusbs=(),
        vtpms=(),
        attached_pcis=(),
        snapshots=(),
        suspend_vdi=None,
        metrics=VMMetrics(memory_actual_bytes=memory, vcpus_number=vcpus),
    )


def load_cost(instance: Json, placement: Mapping[Uuid, Uuid]) -> float:
    """What load above 0.8 of pCPUs costs by the default levels, in weighted pCPU-hours, by arithmetic of its own."""
    total, hours = 0.0, instance.get("slot_minutes", 60) / 60
    costs = [(AREA_ABOVE, 1.0), *(level for level in LEVELS if level[0] > AREA_ABOVE)]
    for host in instance["hosts"]:
        there = [vm["cpu_profile"] for vm in instance["vms"] if placement[vm["id"]] == host["id"]]
        for slot, base in enumerate(host["base_cpu_profile"]):
            used, below = base + sum(profile[slot] for profile in there), 0.0
            for share, cost in costs:
                total += (cost - below) * max(0.0, used - share * host["cpus"]) * hours
                below = cost
    return total


def area(instance: Json, placement: Mapping[Uuid, Uuid]) -> float:
    """Load above 0.8 of a host's pCPUs, summed over hosts and slots, by arithmetic of this file's own."""
    total = 0.0
    for host in instance["hosts"]:
        there = [vm["cpu_profile"] for vm in instance["vms"] if placement[vm["id"]] == host["id"]]
        for slot, base in enumerate(host["base_cpu_profile"]):
            load = (base + sum(profile[slot] for profile in there)) / host["cpus"]
            total += max(0.0, load - AREA_ABOVE)
    return total
