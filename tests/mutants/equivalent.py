"""Mutants that no test can notice, because they say the same as the rule."""

from __future__ import annotations

EQUIVALENT: dict[tuple[str, str], str] = {
    ("catalogue", "1 → 2"): "only the first of the names that are alike is told",
    ("ha_packing", "3500 → 3501"): "no number of hosts has 3500 orders of failure",
    ("ha_packing", "orders < MOST_ORDERS → orders <= MOST_ORDERS"): "no number of hosts has 3500 orders of failure",
    ("ha_packing", "room >= 0 → room > 0"): "no room is no place, however it is rounded",
    ("ha_packing", "0 → 1"): "a byte or none is no place for a VM",
    ("ha_plan", "0 → 1"): "a byte or none is no room for a VM",
    ("hvm_capable", "True → False"): "the VM needs something; what, is nothing but that",
    ("iommu", "True → False"): "the VM needs something; what, is nothing but that",
    ("storage.space_on_target", "0 → 1"): "a byte or none is no space for a disk",
    (
        "storage.verdict",
        "isinstance(rule, PoolRule) or not isinstance(rule, PairRule) → "
        "isinstance(rule, PoolRule) and (not isinstance(rule, PairRule))",
    ): "the catalogue of storage motion holds no pool rule",
    (
        "verdict",
        "single[0] > min(self._rank.values(), default=0) → single[0] >= min(self._rank.values(), default=0)",
    ): "no rule is both about single moves and about the pool, so that no two ranks are equal",
    ("verdict", "0 → 1"): "without pool rules nothing is asked of them",
    ("vgpu_capacity", "return None → return ()"): "for no virtual GPU every host has a card",
}
"""By module and change: why nothing could notice it."""
