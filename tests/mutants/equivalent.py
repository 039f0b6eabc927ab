"""Mutants that no test can notice, because they say the same as the rule."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {
    ("catalogue: _refuse_unless_documented", "1 → 2"): "only the first of the names that are alike is told",
    ("ha_packing: MOST_ORDERS", "3500 → 3501"): "no number of hosts has 3500 orders of failure",
    ("ha_packing: _is_small", "orders < MOST_ORDERS → orders <= MOST_ORDERS"): "no number of hosts has 3500 orders",
    ("ha_packing: _slots", "room >= 0 → room > 0"): "no room is no place, however it is rounded",
    ("ha_packing: _slots", "0 → 1"): "no room is no place, however it is rounded",
    ("ha_plan: _Failover._free", "0 → 1"): "a byte or none is no room for a VM",
    ("hvm_capable: HVMCapable.needs", "True → False"): "that the VM needs it is all there is to know",
    ("iommu: IOMMU.needs", "True → False"): "that the VM needs it is all there is to know",
    ("storage.space_on_target: SpaceOnTarget.objects", "0 → 1"): "a byte or none is no space for a disk",
    (
        "storage.verdict: StorageVerdicts._ask_pair",
        (
            "isinstance(rule, PoolRule) or not isinstance(rule, PairRule) → "
            "isinstance(rule, PoolRule) and (not isinstance(rule, PairRule))"
        ),
    ): "the catalogue of storage motion holds no pool rule",
    (
        "verdict: Verdicts.first",
        "single[0] > min(self._rank.values(), default=0) → single[0] >= min(self._rank.values(), default=0)",
    ): "no rule is both about single moves and about the pool, so that no two ranks are equal",
    ("verdict: Verdicts.first", "0 → 1 (3)"): "without pool rules nothing is asked of them",
    ("vgpu_capacity: VGPUCapacity.needs", "return None → return ()"): "for no virtual GPU every host has a card",
}
"""By place and change: why nothing could notice it."""
