"""What keeps two runs apart: the locks of the pools, the marks of the VMs, and the tasks that are known to be ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rebalancer.errors import PoolLocked, XapiError
from rebalancer.execute.claim.claim import Claim, new_run
from rebalancer.execute.claim.fence import Fences
from rebalancer.execute.claim.holder import Holder
from rebalancer.execute.journal.entries import Entry, RunBegan, RunEnded, Sent
from rebalancer.execute.journal.history import run_of
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.options import RunOptions, RunReporter
from rebalancer.execute.run.flight import Flights, Halt
from rebalancer.execute.run.watch import Watch
from rebalancer.inventory import Pool
from rebalancer.plan import Plan

LOST = "somebody else has taken the lock in the pool away, so that nothing more is sent"
STAYS = "the lock stays in the pool, which cannot be reached: apply the same plan again, which removes it at its end"


@dataclass(slots=True, kw_only=True)
class Guard:
    """The *claim* of a run, the *fences* at its VMs, and the *tasks* of its steps, as far as their answers were heard.

    *break_lock* says whether a dead run is to lose its lock.
    """

    claim: Claim
    fences: Fences
    tasks: set[str]
    reporter: RunReporter
    break_lock: bool

    @contextmanager
    def held(self, journal: Journal, began: RunBegan) -> Iterator[None]:
        """Hold the locks. The id of the run is written before, so that it knows its own after a kill.

        Raises:
            PoolLocked, XapiError: there is no lock; nothing was sent, and the journal says so.
        """
        journal.append(began)
        try:
            told = self.claim.take(break_lock=self.break_lock)
        except (PoolLocked, XapiError) as error:
            journal.append(RunEnded(at=began.at, words=str(error)))
            raise
        for words in told:
            self.reporter.lock_told(words)
        try:
            yield
        finally:
            self.fences.lower_all()
            if not self.claim.release():
                self.reporter.lock_told(STAYS)

    def keep(self, flights: Flights) -> None:
        """Show that the run lives; a lock that it has lost is a trouble of *flights*: nothing more is launched."""
        before = self.claim.lost
        self.claim.keep()
        if self.claim.lost and not before:
            flights.troubles.append(Halt(LOST))

    def take_over(self, pool: Pool) -> None:
        """Have marks removed that the run has left in *pool* on VMs whose steps are over, when it was killed."""
        for vm in pool.vms.values():
            if self.fences.has_left(vm.other_config):
                self.fences.take_over(vm.uuid)


def guard_of(plan: Plan, watch: Watch, options: RunOptions, entries: Sequence[Entry]) -> Guard:
    """What keeps a run of *plan* apart from others; *entries* are what its journal says of earlier ones."""

    def rest(holder: Holder) -> None:
        seconds = watch.timeouts.quiet
        options.reporter.lock_told(
            f"{holder} is dead: its lock is broken in {seconds:.0f} s, once all that it sent is there"
        )
        options.clock.sleep(seconds)

    me = Holder.here(run_of(entries) or new_run(), plan.digest, options.journal, options.state_dir)
    claim = Claim.of(
        me,
        plan.made_from.pool_names,
        marks=watch.live.marks,
        ask=watch.keep_asking,
        clock=options.clock,
        rest=rest,
        required=plan.policy.execution.pool_lock == "required",
    )
    return Guard(
        claim=claim,
        fences=Fences(claim=claim, live=watch.live, plan=plan.digest),
        tasks={entry.task for entry in entries if isinstance(entry, Sent)},
        reporter=options.reporter,
        break_lock=options.break_lock,
    )
