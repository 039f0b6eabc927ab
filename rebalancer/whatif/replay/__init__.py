"""Recorded weeks replayed: what policies and simple balancers would have made of a pool, night by night."""

from rebalancer.whatif.replay.judge import SHARES, DayLoad
from rebalancer.whatif.replay.night import Contender, Decision, Night
from rebalancer.whatif.replay.planner import Hindsight, Nothing, Planner
from rebalancer.whatif.replay.regret import CONDITION, Regret
from rebalancer.whatif.replay.replay import Replay, ReplayedNight, ReplayReporter, nights_in, replay
from rebalancer.whatif.replay.simple import Greedy, HillClimb
from rebalancer.whatif.replay.summary import Summary, by_week, summary_of

__all__ = [
    "CONDITION",
    "SHARES",
    "Contender",
    "DayLoad",
    "Decision",
    "Greedy",
    "HillClimb",
    "Hindsight",
    "Night",
    "Nothing",
    "Planner",
    "Regret",
    "Replay",
    "ReplayReporter",
    "ReplayedNight",
    "Summary",
    "by_week",
    "nights_in",
    "replay",
    "summary_of",
]
