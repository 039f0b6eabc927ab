"""Mutants that no test can notice, because they say the same as the rule."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {
    ("core.kinds: StateLimit.price", "25 → 26"): "an estimate of effort: no answer depends on it",
    ("binding: _refuse_unless_documented", "1 → 2"): "only the first of the names that are alike is told",
    ("availability.ha_packing: MOST_ORDERS", "3500 → 3501"): "no number of hosts has 3500 orders of failure",
    (
        "availability.ha_packing: _is_small",
        "orders < MOST_ORDERS → orders <= MOST_ORDERS",
    ): "no number of hosts has 3500 orders",
    ("availability.ha_packing: _slots", "room >= 0 → room > 0"): "no room is no place, however it is rounded",
    ("availability.ha_packing: _slots", "0 → 1"): "no room is no place, however it is rounded",
    ("availability.ha_plan: _Failover._free", "0 → 1"): "a byte or none is no room for a VM",
    ("cpu.hvm_capable: HVMCapable.needs", "True → False"): "that the VM needs it is all there is to know",
    ("devices.iommu: IOMMU.needs", "True → False"): "that the VM needs it is all there is to know",
    ("disks.mirrors: SpaceOnSource.objects", "0 → 1"): "a byte or none is no space for a disk",
    ("disks.mirrors: SpaceOnSource.objects", "0 → 1 (2)"): "nothing is said of an SR that is not there",
    ("facts.loads: _parts", "True → False"): "both are as long",
    ("disks.sr_space: SpaceOnTarget.objects", "0 → 1"): "a byte or none is no space for a disk",
    ("availability.restart_packing: _filled", "True → False"): "both are as long",
    ("availability.restart_packing: _fullest", "1 → 2 (2)"): "that nothing fits nowhere is never asked",
    (
        "availability.restart_packing: _fullest",
        "sum(sizes) <= room → sum(sizes) < room",
    ): "the sums say the same of a host that all of them fill",
    (
        "availability.restart_packing: _Search._fillings",
        "min → max (2)",
    ): "a filling that could be fuller leads nowhere else",
    (
        "availability.restart_packing: _Search._fillings",
        "room < below → room <= below",
    ): "a filling that could be fuller leads nowhere else",
    ("availability.restart_packing: _Search._too_many", "True → False"): "both are as long",
    ("availability.restart_packing: _Search.fill", "1 → 2"): "an empty host leaves fewer bytes than that already",
    ("availability.restart_packing: _Search.fill", "True → False (2)"): "both are as long",
    ("availability.restart_packing: _searched", "True → False"): "both are as long",
    ("availability.spare: _may_start", "True → False"): "both are as long",
    ("availability.restarts: Restarts._free", "0 → 1"): "a byte or none is no room for a VM",
    (
        "availability.restarts: Restarts._fresh",
        "len(hosts) > 1 → len(hosts) >= 1",
    ): "a VM that holds one host gives nothing back",
    (
        "availability.restarts: Restarts._later",
        "failure & hosts → failure | hosts",
    ): "a plan that is known is looked for anew",
    (
        "availability.restarts: Restarts._later",
        "known.get(failure) or (plan if same else None) → known.get(failure) and (plan if same else None)",
    ): "a plan that is known is looked for anew",
    (
        "availability.restarts: Restarts._later",
        "plan is not None → plan is None",
    ): "a plan that is known is looked for anew",
    ("availability.restarts: Restarts._plan", "0 → 1"): "a byte more, and a failure is looked at that need not be",
    ("availability.restarts: Restarts._words", "0 → 1"): "a byte or none is no room for a VM",
    (
        "availability.restarts: Restarts.refuses",
        "failure & {host, *source} → failure | {host, *source}",
    ): "other failures leave at least what they left while the VM moved",
    ("availability.restarts: _crowded", "0 → 1"): "a byte or none is no room for a VM",
    ("availability.restarts: _crowded", "0 → 1 (2)"): "a byte or none is no room for a VM",
    ("availability.restarts: _crowded", "0 → 1 (3)"): "a byte or none is no room for a VM",
    ("availability.restarts: _crowded", "0 → 1 (4)"): "without failures none is crowded",
    ("availability.restarts: _crowded", "1 → 2"): "what was not asked yet is asked",
    ("availability.restarts: _crowded", "load > free → load >= free"): "a failure is looked at that need not be",
    ("availability.restarts: _crowded", "max → min"): "failures are looked at that need not be",
    (
        "availability.restarts: _crowded",
        "state.fullest.get(host, free + 1) <= free → state.fullest.get(host, free + 1) < free",
    ): "failures are looked at that need not be",
    ("disks.sr_space: SRSpace.refusal", "0 → 1"): "a byte or none is told as 0 MiB",
    (
        "devices.vgpu_capacity: VGPUCapacity.needs",
        "return None → return ()",
    ): "for no virtual GPU every host has a card",
}
"""By place and change: why nothing could notice it."""
