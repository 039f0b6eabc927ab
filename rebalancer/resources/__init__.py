"""What hosts have and VMs take beside CPU, where the policy gives it a weight."""

from rebalancer.resources.asked import ResourceLoads
from rebalancer.resources.load import ResourceLoad

__all__ = ["ResourceLoad", "ResourceLoads"]
