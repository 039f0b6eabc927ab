"""What would be: plans for questions that nobody has asked the pool yet."""

from rebalancer.whatif.blockers import Blocked, Closed, blocked_on
from rebalancer.whatif.evacuate import Evacuation, evacuate
from rebalancer.whatif.itinerary import Habit, Purpose, Stage
from rebalancer.whatif.rolling import Deviation, Rolling, rolling
from rebalancer.whatif.rolling_folder import write_rolling

__all__ = [
    "Blocked",
    "Closed",
    "Deviation",
    "Evacuation",
    "Habit",
    "Purpose",
    "Rolling",
    "Stage",
    "blocked_on",
    "evacuate",
    "rolling",
    "write_rolling",
]
