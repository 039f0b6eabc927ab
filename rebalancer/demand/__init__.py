"""What VMs need, per time slot, from metrics."""

from rebalancer.demand.forms import in_form
from rebalancer.demand.joined import as_named_in, join_profiles
from rebalancer.demand.profile import LoadProfile, Quality, Series
from rebalancer.demand.speed import at_speed

__all__ = ["LoadProfile", "Quality", "Series", "as_named_in", "at_speed", "in_form", "join_profiles"]
