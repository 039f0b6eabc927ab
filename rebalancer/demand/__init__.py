"""What VMs need, per time slot, from metrics."""

from rebalancer.demand.joined import join_profiles
from rebalancer.demand.profile import LoadProfile, Quality

__all__ = ["LoadProfile", "Quality", "join_profiles"]
