"""What would be: plans for questions that nobody has asked the pool yet."""

from rebalancer.whatif.blockers import Blocked, Closed, blocked_on
from rebalancer.whatif.capacity import Loss, Room, losses, room_for
from rebalancer.whatif.evacuate import Evacuation, evacuate, who_is_blocked
from rebalancer.whatif.itinerary import Habit, Purpose, Stage
from rebalancer.whatif.rolling import Deviation, Rolling, rolling
from rebalancer.whatif.rolling_folder import write_rolling

__all__ = [
    "Blocked",
    "Closed",
    "Deviation",
    "Evacuation",
    "Habit",
    "Loss",
    "Purpose",
    "Rolling",
    "Room",
    "Stage",
    "blocked_on",
    "evacuate",
    "losses",
    "rolling",
    "room_for",
    "who_is_blocked",
    "write_rolling",
]
