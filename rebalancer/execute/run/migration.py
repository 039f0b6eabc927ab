"""One migration: written down, sent once, watched, looked at, written down."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from rebalancer.errors import InventoryError, OutcomeUnknown, RefusedByXapi, StalePlan, XapiError
from rebalancer.execute.claim.fence import Mark, NotAdmitted
from rebalancer.execute.journal.entries import AS_ASKED, Intended, Looked, Sent
from rebalancer.execute.journal.history import StepHistory
from rebalancer.execute.journal.journal import Journal
from rebalancer.execute.journal.outcome import StepState
from rebalancer.execute.judge.refusal import NOT_PERMITTED, is_late, is_lost_at_the_end
from rebalancer.execute.options import RunReporter
from rebalancer.execute.run.evidence import CallTrace, Evidence, toolstacks_of
from rebalancer.execute.run.guard import Guard
from rebalancer.execute.run.observation import Observation, observed
from rebalancer.execute.run.watch import Waiting, Watch
from rebalancer.interruption import uninterrupted
from rebalancer.inventory import Pool
from rebalancer.plan import Step
from rebalancer.plan.progress import left_behind
from rebalancer.rules.facts.disk_maps import whole_map
from rebalancer.xapi import StorageMotion, TaskState, TaskStatus


@dataclass(slots=True, kw_only=True)
class MigrationCall:
    """The migration of one step; nothing here is ever sent twice."""

    step: Step
    watch: Watch
    journal: Journal
    reporter: RunReporter
    guard: Guard

    def send(self, pool: Pool, motion: StorageMotion | None = None, *, wire_seconds: float = 0.0) -> Waiting[Looked]:
        """Write the intent, mark the VM, send the call, with *motion* where disks go along, and follow it to its end.

        *pool* is as it was looked at before; *wire_seconds* is what its bytes take on the wire, noted for whoever
        learns from journals.

        Raises:
            RefusedByXapi: the user may not make the call; nothing was begun.
        """
        with uninterrupted():  # a call that has left is written down, whoever presses Ctrl-C meanwhile
            way = self._called(self._intended(pool, wire_seconds), motion)
        return (yield from way())

    def _called(self, intended: Intended, motion: StorageMotion | None) -> Callable[[], Waiting[Looked]]:
        """Make the call once; how its outcome is found."""
        step, live = self.step, self.watch.live
        self.journal.append(intended)
        try:
            self.guard.fences.raise_for(step, intended.toolstacks)
            ref = live.migrate_with_disks(motion) if motion else live.migrate(step.vm, step.target, step.network)
        except RefusedByXapi as error:
            if error.code == NOT_PERMITTED:
                refused = Observation(state=StepState.REFUSED)
                self.write(refused, error=(error.code, *error.params), words=error.problem)
                raise
            return partial(self._refused, (error.code, *error.params))
        except OutcomeUnknown as error:
            return partial(self._without_task, str(error), intended, sent=True)
        except (NotAdmitted, XapiError) as error:
            return partial(self._never_sent, str(error))
        self.guard.tasks.add(ref)
        self.journal.append(Sent(at=self.watch.clock.now(), step=step.id, task=ref))
        return partial(self.follow, ref)

    def _intended(self, pool: Pool, wire_seconds: float) -> Intended:
        step = self.step
        return Intended(
            at=self.watch.clock.now(),
            step=step.id,
            vm=step.vm,
            source=step.source,
            target=step.target,
            wire_seconds=wire_seconds,
            marked=self.guard.claim.held,
            toolstacks=toolstacks_of(pool, (step.source, step.target)),
        )

    def take_up(self, history: StepHistory) -> Waiting[Looked]:
        """Settle what an earlier run left behind, sending nothing."""
        self.guard.fences.take_over(self.step.vm)
        if history.task is not None:
            return (yield from self.follow(history.task))
        words = "an earlier run ended before it heard whether XAPI had taken the call"
        sent = history.state is not StepState.INTENDED
        return (yield from self._without_task(words, history.intended, sent=sent))

    def look(self) -> Looked:
        """Write where the VM is now, with its disks."""
        found, left = self.with_disks(observed(self.step.migration, self.watch.look(self.step.vm)))
        return self.write(found, words=left)

    def was_made(self) -> Looked:
        """Write that the pool shows the step made; what another run of the plan has left on its VM goes."""
        where = self.watch.look(self.step.vm)
        self.guard.fences.lower_of_same(self.step, where.marks)
        return self.write(Observation(state=StepState.MOVED, where=where), words="it was there already")

    def follow(self, ref: str) -> Waiting[Looked]:
        """Watch the task *ref* to its end, then believe the pool."""
        try:
            task = yield from self.watch.task_end(ref, self._limit, partial(self.reporter.step_progress, self.step))
            found = yield from self._after(task)
            found, left = self.with_disks(found)
        except (XapiError, InventoryError) as error:
            return self._looked_once_more(str(error))
        looked = self.write(found, error=task.error, words=left or found.note or self._said(task, found))
        if task.status is not TaskStatus.PENDING:
            with suppress(XapiError):  # XAPI collects finished tasks that stay
                self.watch.live.forget(ref)
        return looked

    def _said(self, task: TaskState, found: Observation) -> str:
        cancelled = task.status is TaskStatus.CANCELLED and found.state is StepState.STAYED
        return AS_ASKED if cancelled and self.watch.stop.asked else _words(task, found)

    def _looked_once_more(self, words: str) -> Looked:
        """What the VM itself shows where its task cannot be asked for: that it has arrived, or nothing."""
        try:
            found, left = self.with_disks(observed(self.step.migration, self.watch.live.whereabouts(self.step.vm)))
        except (XapiError, InventoryError):
            found, left = Observation(state=StepState.UNKNOWN), ""
        if found.state not in {StepState.MOVED, StepState.ELSEWHERE}:
            found = Observation(state=StepState.UNKNOWN, where=found.where)
        return self.write(found, words=left or words)

    def write(self, found: Observation, *, error: tuple[str, ...] = (), words: str = "") -> Looked:
        """Write what the pool showed."""
        looked = Looked(
            at=self.watch.clock.now(),
            step=self.step.id,
            state=found.state,
            power_state=found.power_state,
            resident_on=found.resident_on,
            error=error,
            words=words,
            vm=self.step.vm,
        )
        self.journal.append(looked)
        if found.state is StepState.UNKNOWN:
            self.guard.fences.leave(self.step.vm)
        else:
            self.guard.fences.lower(self.step.vm)
        return looked

    @property
    def _limit(self) -> float:
        return self.watch.timeouts.for_step(self.step.seconds)

    def _never_sent(self, words: str) -> Waiting[Looked]:
        yield from ()
        return self.write(Observation(state=StepState.UNSENT), words=words)

    def _refused(self, error: tuple[str, ...]) -> Waiting[Looked]:
        try:
            found = yield from self.watch.settled(self.step.migration, self._limit, quiet=0)
        except XapiError:
            found = Observation(state=StepState.STAYED)
        return self.write(_read_as(found, stayed=StepState.REFUSED), error=error)

    def _without_task(self, words: str, intended: Intended | None, *, sent: bool) -> Waiting[Looked]:
        """A call may be under way that has no task as far as anybody heard: what the pool shows besides settles it."""
        trace = CallTrace(
            since=intended.at if intended else self.watch.clock.now(),
            toolstacks=intended.toolstacks if intended else (),
            sent=sent,
            marked=bool(intended and intended.marked),
            others=frozenset(self.guard.tasks),
        )
        evidence = Evidence(watch=self.watch, move=self.step.migration, trace=trace, seconds=self._limit)
        try:
            found, why = yield from evidence.settle()
            found, left = self.with_disks(found)
        except (XapiError, InventoryError) as error:
            return self.write(Observation(state=StepState.UNKNOWN), words=f"{words}; {error}")
        return self.write(found, words=left or found.note or "; ".join(filter(None, (words, why))))

    def orphan(self, mark: Mark) -> Waiting[tuple[Observation, str]]:
        """What became of the call that *mark* on the VM is of, which another run has left; nothing is written."""
        trace = CallTrace(since=self.watch.clock.now(), toolstacks=mark.toolstacks, sent=True, marked=True)
        evidence = Evidence(watch=self.watch, move=self.step.migration, trace=trace, seconds=self._limit)
        return evidence.settle()

    def with_disks(self, found: Observation) -> tuple[Observation, str]:
        """*found*, and which disks did not come along with a VM that has arrived: then it is not where it should be."""
        if not self.step.disks or found.state is not StepState.MOVED:
            return found, ""
        left = "; ".join(left_behind(self.step, self.watch.keep_asking(self.watch.live.read)))
        return (replace(found, state=StepState.ELSEWHERE), left) if left else (found, "")

    def _after(self, task: TaskState) -> Waiting[Observation]:
        timeouts = self.watch.timeouts
        if task.status is TaskStatus.PENDING:
            found = yield from self.watch.settled(self.step.migration, 0, quiet=0)
            return _read_as(found, stayed=StepState.UNKNOWN)
        refused = task.status is TaskStatus.FAILURE and not is_late(task.error)
        found = yield from self.watch.settled(self.step.migration, self._limit, quiet=0 if refused else timeouts.quiet)
        if is_lost_at_the_end(task.error):
            return _read_as(found, stayed=StepState.UNKNOWN)
        return _read_as(found, stayed=StepState.REFUSED) if refused else found


def _read_as(found: Observation, *, stayed: StepState) -> Observation:
    return Observation(state=stayed, where=found.where) if found.state is StepState.STAYED else found


_TASK_SAYS = {
    TaskStatus.PENDING: "its task did not end in time, although it was to be cancelled",
    TaskStatus.SUCCESS: "its task says success",
    TaskStatus.FAILURE: "its task says failure",
    TaskStatus.CANCELLED: "its task was cancelled, by us or by a restart of the toolstack",
    TaskStatus.VANISHED: "its task is gone",
}


def _words(task: TaskState, found: Observation) -> str:
    moved = found.state is StepState.MOVED
    agrees = moved == (task.status is TaskStatus.SUCCESS)
    return "" if agrees and (moved or task.error) else _TASK_SAYS[task.status]


def motion_of(step: Step, pool: Pool) -> StorageMotion:
    """The call for *step*, with the disks that are in the VM's drives in *pool* now.

    Raises:
        StalePlan: the target has no management interface to receive it on.
    """
    vm, host = pool.vms[step.vm], pool.hosts[step.target]
    network = step.network or min((pif.network for pif in host.pifs if pif.management), default=None)
    if network is None:
        raise StalePlan([f"host {step.target_name} has no management interface to receive disks on"])
    return StorageMotion(
        vm=vm.uuid,
        source=step.source,
        host=host.uuid,
        network=network,
        sr_of=whole_map(vm, host, step.migration.disks, pool),
        network_of={each.vif: each.target for each in step.crossing.networks} if step.crossing else {},
    )
