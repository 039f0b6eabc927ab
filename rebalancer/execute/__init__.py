"""Carrying out a plan: journal, lock, preflight, and the run itself."""

from rebalancer.execute.clock import Clock
from rebalancer.execute.cooling import cooled, moved_since
from rebalancer.execute.experience import learned_pace
from rebalancer.execute.folders import journal_path, plain_uuid, state_folder
from rebalancer.execute.history import was_begun
from rebalancer.execute.journal import Looked, read_journal
from rebalancer.execute.live import Live
from rebalancer.execute.lock import pool_lock
from rebalancer.execute.outcome import StepState
from rebalancer.execute.patience import Patience
from rebalancer.execute.reporter import RunReporter
from rebalancer.execute.result import Ending, RunResult
from rebalancer.execute.runner import execute, resume
from rebalancer.execute.since import done_since
from rebalancer.execute.stop import StopSignal, Wish, stop_on_signals

__all__ = [
    "Clock",
    "Ending",
    "Live",
    "Looked",
    "Patience",
    "RunReporter",
    "RunResult",
    "StepState",
    "StopSignal",
    "Wish",
    "cooled",
    "done_since",
    "execute",
    "journal_path",
    "learned_pace",
    "moved_since",
    "plain_uuid",
    "pool_lock",
    "read_journal",
    "resume",
    "state_folder",
    "stop_on_signals",
    "was_begun",
]
