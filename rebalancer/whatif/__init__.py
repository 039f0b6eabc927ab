"""What would be: plans for questions that nobody has asked the pool yet."""

from rebalancer.whatif.blockers import Blocked, Closed, blocked_on
from rebalancer.whatif.evacuate import Evacuation, evacuate

__all__ = ["Blocked", "Closed", "Evacuation", "blocked_on", "evacuate"]
