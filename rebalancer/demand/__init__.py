"""What VMs need, per time slot, from metrics."""

from rebalancer.demand.profile import LoadProfile, Quality

__all__ = ["LoadProfile", "Quality"]
