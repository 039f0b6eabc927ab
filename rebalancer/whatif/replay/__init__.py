"""Recorded weeks replayed: what policies and simple balancers would have made of a pool, night by night."""

from rebalancer.whatif.replay.judge import SHARES, DayLoad
from rebalancer.whatif.replay.night import Contender, Decision, Night
from rebalancer.whatif.replay.past import CarriedOut, MadeMove, pool_before
from rebalancer.whatif.replay.planner import Hindsight, Nothing, Planner
from rebalancer.whatif.replay.regret import CONDITION, Regret
from rebalancer.whatif.replay.replay import Replay, ReplayedNight, ReplayReporter, first_night, nights_in, replay
from rebalancer.whatif.replay.simple import Greedy, HillClimb
from rebalancer.whatif.replay.summary import DAYS_OF_WEEK, Summary, by_week, summary_of

__all__ = [
    "CONDITION",
    "DAYS_OF_WEEK",
    "SHARES",
    "CarriedOut",
    "Contender",
    "DayLoad",
    "Decision",
    "Greedy",
    "HillClimb",
    "Hindsight",
    "MadeMove",
    "Night",
    "Nothing",
    "Planner",
    "Regret",
    "Replay",
    "ReplayReporter",
    "ReplayedNight",
    "Summary",
    "by_week",
    "first_night",
    "nights_in",
    "pool_before",
    "replay",
    "summary_of",
]
