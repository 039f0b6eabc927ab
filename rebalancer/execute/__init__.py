"""Carrying out a plan.

From the bottom up, each folder importing only those above it in this list:

- journal: what runs leave on disk, journals and locks, and what later runs learn from them;
- judge: whether the plan may still be carried out, and what became of a step;
- claim: the lock in the pool, and the marks on VMs whose steps are under way;
- run: the run itself, from the look before a step to the look after it;
- power: hosts that are switched off and on;
- status: what can be seen of a run from outside of its process.

The modules beside them are what callers hand in and get back.
"""

from rebalancer.execute.claim.look import assert_unclaimed
from rebalancer.execute.journal.cooling import cooled, cooled_after, moved_since
from rebalancer.execute.journal.ends_of_killed import note_ends
from rebalancer.execute.journal.entries import Looked
from rebalancer.execute.journal.folders import journal_path, make_state_folder, plain_uuid, state_folder
from rebalancer.execute.journal.history import done_since, is_settled, was_begun
from rebalancer.execute.journal.journal import read_journal
from rebalancer.execute.journal.learned_pace import learned_pace
from rebalancer.execute.journal.lock import pool_lock, pool_unlocked
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.journal.past import Journals, Past
from rebalancer.execute.judge.fitness import at_rest, undone
from rebalancer.execute.judge.hindrance import hindered
from rebalancer.execute.live import Live
from rebalancer.execute.options import Clock, RunOptions, RunReporter, Timeouts
from rebalancer.execute.power.record import SLEEPING, SLEEPY, UNUSED, HostNote, HostStage, PowerRecord
from rebalancer.execute.power.switch import HostSwitch
from rebalancer.execute.result import Ending, HeldStep, RunResult
from rebalancer.execute.run.resolving import Saying, Seen, resolve_step
from rebalancer.execute.run.runner import execute, resume
from rebalancer.execute.status.forecast import RunForecast, UnderWay, forecast, pace_of
from rebalancer.execute.status.found import is_any_locked, run_of, runs_in
from rebalancer.execute.status.notes import PlanOrigin
from rebalancer.execute.status.noting import Noting
from rebalancer.execute.status.run_status import RunState, RunStatus, StepStage, StepStatus
from rebalancer.execute.stop import StopSignal, Wish, stop_on_signals

__all__ = [
    "SLEEPING",
    "SLEEPY",
    "UNUSED",
    "Clock",
    "Ending",
    "HeldStep",
    "HostNote",
    "HostStage",
    "HostSwitch",
    "Journals",
    "Live",
    "Looked",
    "Noting",
    "Past",
    "PlanOrigin",
    "PowerRecord",
    "RunForecast",
    "RunOptions",
    "RunReporter",
    "RunResult",
    "RunState",
    "RunStatus",
    "Saying",
    "Seen",
    "StepStage",
    "StepState",
    "StepStatus",
    "StopSignal",
    "Timeouts",
    "UnderWay",
    "Wish",
    "assert_unclaimed",
    "at_rest",
    "cooled",
    "cooled_after",
    "done_since",
    "execute",
    "forecast",
    "hindered",
    "is_any_locked",
    "is_settled",
    "journal_path",
    "learned_pace",
    "make_state_folder",
    "moved_since",
    "note_ends",
    "pace_of",
    "plain_uuid",
    "pool_lock",
    "pool_unlocked",
    "read_journal",
    "resolve_step",
    "resume",
    "run_of",
    "runs_in",
    "state_folder",
    "stop_on_signals",
    "undone",
    "was_begun",
]
