"""What keeps two runs apart: the locks of the pools, the marks of the VMs, and the tasks that are known to be ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rebalancer.errors import PoolLocked, XapiError
from rebalancer.execute.claim.claim import Claim
from rebalancer.execute.claim.fence import Fences
from rebalancer.execute.journal.journal import Journal, RunBegan, RunEnded
from rebalancer.execute.options import RunReporter
from rebalancer.execute.run.flight import Flights, Halt
from rebalancer.inventory import Pool

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
