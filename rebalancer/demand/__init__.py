"""What VMs need, per time slot, from metrics."""

from rebalancer.demand.joined import as_named_in, join_profiles
from rebalancer.demand.profile import LoadProfile, Quality
from rebalancer.demand.speed import at_speed

__all__ = ["LoadProfile", "Quality", "as_named_in", "at_speed", "join_profiles"]
