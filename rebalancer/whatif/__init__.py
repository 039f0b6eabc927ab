"""What would be: plans for questions that nobody has asked the pool yet."""

from rebalancer.whatif.capacity import Loss, Room, losses, room_for
from rebalancer.whatif.evacuate import Evacuation, evacuate, who_is_blocked
from rebalancer.whatif.itinerary import Deviation, Habit, Purpose, Stage
from rebalancer.whatif.newcomers.shape import Shape
from rebalancer.whatif.place import Place, Spot, place
from rebalancer.whatif.replay import Replay, replay
from rebalancer.whatif.rolling import Rolling, rolling
from rebalancer.whatif.rolling_folder import write_rolling
from rebalancer.whatif.sleep import EmptyHost, Sleep, sleep

__all__ = [
    "Deviation",
    "EmptyHost",
    "Evacuation",
    "Habit",
    "Loss",
    "Place",
    "Purpose",
    "Replay",
    "Rolling",
    "Room",
    "Shape",
    "Sleep",
    "Spot",
    "Stage",
    "evacuate",
    "losses",
    "place",
    "replay",
    "rolling",
    "room_for",
    "sleep",
    "who_is_blocked",
    "write_rolling",
]
