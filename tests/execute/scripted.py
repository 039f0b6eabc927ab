"""A pool in memory with the interface of the live one, for what a real pool does too rarely or too slowly."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from rebalancer.errors import RefusedByXapi
from rebalancer.execute.options import Clock
from rebalancer.inventory import Pool, PowerState
from rebalancer.placement import Migration, Placement
from rebalancer.plan import Plan
from rebalancer.planner.compose import compose
from rebalancer.policy import Policy
from rebalancer.problem import make_problem, pool_at
from rebalancer.rules import Rulebook
from rebalancer.solve import Solution
from rebalancer.xapi import (
    GuestMemory,
    MetricsFailure,
    News,
    StorageMotion,
    TaskRow,
    TaskState,
    TaskStatus,
    Whereabouts,
)
from tests.execute.scripted_marks import ScriptedMarks

AT_THE_FIRST_FAILURE = Policy.model_validate({"execution": {"stop_after_failures": 1}})
"""A policy under which a run stops at the first step that fails."""

MADE_AT = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)


def plan_of(pool: Pool, *moves: tuple[str, str], policy: Policy | None = None) -> Plan:
    """A sealed plan that makes *moves*, (VM, target) each, in this order; made at MADE_AT for *pool*.

    Without a *policy*, its run stops at the first step that fails.
    """
    problem = make_problem(pool, None, policy or AT_THE_FIRST_FAILURE)
    goal, migrations = problem.initial, []
    for number, (vm, target) in enumerate(moves):
        hop = any(later == vm for later, _ in moves[number + 1 :])
        migrations.append(Migration(vm=vm, source=goal[vm], target=target, hop=hop))
        goal = Placement({**goal.host_of, vm: target})
    solution = Solution(placement=goal, outcome="optimal", reason="for a test")
    return compose(Rulebook.of(problem), solution, migrations, MADE_AT)


class HandClock(Clock):
    """A clock that only sleeping moves; `then` hears of every second of sleep."""

    def __init__(self, then: Callable[[float], None] = lambda _seconds: None) -> None:
        self.seconds, self.then = 0.0, then

    def now(self) -> datetime:
        """Half an hour after the plans were made, and whatever was slept since."""
        return MADE_AT + timedelta(minutes=30, seconds=self.seconds)

    def monotonic(self) -> float:
        """Seconds slept."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once."""
        self.seconds += seconds
        self.then(self.seconds)


@dataclass(kw_only=True)
class Script:
    """How the migration of one VM goes.

    Args:
        polls: how often its task is still pending when asked.
        status: how the task ends.
        error: with which error.
        lands: host where the VM is then; "" for its target, None if it is halted.
        refused: what `assert_may_migrate` raises.
        send: what `migrate` raises.
        taken: whether XAPI carries the call out although `send` was raised.
        uncancellable: the task goes on when it is cancelled.
    """

    polls: int = 2
    status: TaskStatus = TaskStatus.SUCCESS
    error: tuple[str, ...] = ()
    lands: str | None = ""
    refused: Exception | None = None
    send: Exception | None = None
    taken: bool = False
    uncancellable: bool = False


@dataclass(kw_only=True)
class _Task:
    vm: str
    target: str
    script: Script
    polls: int
    state: TaskState = field(default_factory=lambda: TaskState(status=TaskStatus.PENDING, progress=0.0, error=()))


class ScriptedPool:
    """A live pool that plays *scripts*, one for each call that a VM gets; VMs without one just move."""

    def __init__(self, pool: Pool, **scripts: Script | list[Script]) -> None:
        self.pool = pool
        self.scripts = {vm: list(each) if isinstance(each, list) else [each] for vm, each in scripts.items()}
        self.sent: list[tuple[str, str]] = []
        self.motions: list[StorageMotion] = []
        self.hurried: list[float] = []
        self.cancelled: list[str] = []
        self.forgotten: list[str] = []
        self.targets: dict[str, int] = {}
        self.loads: dict[str, float] = {}
        self.before_each: Callable[[str], None] = lambda _call: None
        self._tasks: dict[str, _Task] = {}
        self.marks = ScriptedMarks(self)

    def read(self) -> Pool:
        """As it is."""
        self.before_each("read")
        return self.pool

    def whereabouts(self, vm_uuid: str) -> Whereabouts:
        """As it is, once the migrations without a watched task have gone on."""
        self.before_each("whereabouts")
        self._go_on_unwatched(vm_uuid)
        if vm_uuid not in self.pool.vms:
            raise RefusedByXapi("VM.get_by_uuid", "UUID_INVALID", ["VM", vm_uuid])
        vm = self.pool.vms[vm_uuid]
        return Whereabouts(
            power_state=vm.power_state,
            resident_on=vm.resident_on,
            scheduled_to=vm.scheduled_to_be_resident_on,
            operations=vm.current_operations,
            blocked=vm.blocked_operations,
            marks={key: value for key, value in vm.other_config.items() if key.startswith("rebalancer:")},
        )

    def memory(self, vm_uuid: str) -> GuestMemory:
        """As its record says; its host lets it have all of its range."""
        self.before_each("memory")
        vm = self.pool.vms[vm_uuid]
        return GuestMemory(
            dynamic_min_bytes=vm.memory.dynamic_min_bytes,
            dynamic_max_bytes=vm.memory.dynamic_max_bytes,
            target_bytes=self.targets.get(vm_uuid, vm.memory.dynamic_max_bytes),
            actual_bytes=vm.metrics.memory_actual_bytes if vm.metrics else None,
        )

    def load(self, pool: Pool, host: str) -> float | MetricsFailure:  # noqa: ARG002 - the interface's
        """What `loads` says; nothing for a host that it leaves out."""
        self.before_each("load")
        return self.loads.get(host, MetricsFailure(host=host, reason="it answers HTTP 500"))

    def assert_may_migrate(self, vm_uuid: str, host_uuid: str) -> None:  # noqa: ARG002 - the interface's
        """What the script says."""
        self.before_each("assert_may_migrate")
        refused = self._script(vm_uuid).refused
        if refused:
            self._next(vm_uuid)
            raise refused

    def assert_may_migrate_with_disks(self, motion: StorageMotion) -> None:
        """What the script says."""
        self.assert_may_migrate(motion.vm, motion.host)

    def migrate_with_disks(self, motion: StorageMotion) -> str:
        """Begin as the script says; the disks stay where they are."""
        self.motions.append(motion)
        return self.migrate(motion.vm, motion.host)

    def migrate(self, vm_uuid: str, host_uuid: str, network_uuid: str | None = None) -> str:  # noqa: ARG002 - the interface's
        """Begin as the script says."""
        self.before_each("migrate")
        script = self._script(vm_uuid)
        self._next(vm_uuid)
        self.sent.append((vm_uuid, host_uuid))
        ref = f"OpaqueRef:{len(self.sent)}"
        if script.send is None or script.taken:
            self._tasks[ref] = _Task(vm=vm_uuid, target=host_uuid, script=script, polls=script.polls)
            self.change(vm_uuid, scheduled_to_be_resident_on=host_uuid, current_operations=("pool_migrate",))
        if script.send:
            raise script.send
        return ref

    def task(self, ref: str) -> TaskState:
        """One step further."""
        self.before_each("task")
        task = self._tasks[ref]
        if task.state.status is TaskStatus.PENDING:
            self._go_on(task)
        return task.state

    def news(self, tasks: Collection[str], vms: Collection[str], seconds: float) -> News | None:
        """Nothing is told by itself."""

    def wake(self) -> None:
        """Nobody waits."""

    def hurry(self, seconds: float) -> None:
        """Remember how long an answer may take."""
        self.hurried.append(seconds)

    def cancel(self, ref: str) -> None:
        """End it where it began, if it lets itself be cancelled."""
        self.before_each("cancel")
        self.cancelled.append(ref)
        task = self._tasks[ref]
        if task.script.uncancellable:
            raise RefusedByXapi("task.cancel", "OPERATION_NOT_ALLOWED", [ref])
        task.script = Script(status=TaskStatus.CANCELLED, error=("TASK_CANCELLED", ref), lands=self._source(task))
        task.polls = 0

    def forget(self, ref: str) -> None:
        """Remember that it was asked."""
        self.before_each("forget")
        self.forgotten.append(ref)

    def task_rows(self) -> list[TaskRow]:
        """The migrations that it was sent, and that nobody let it forget."""
        pending = {ref: task.state.status is TaskStatus.PENDING for ref, task in self._tasks.items()}
        return [
            TaskRow(ref=ref, call="VM.pool_migrate", pending=each, created=self.marks.time)
            for ref, each in pending.items()
            if ref not in self.forgotten
        ]

    def change(self, vm: str, **changes: Any) -> None:  # noqa: ANN401 - any field of a VM
        """Change a VM behind everybody's back."""
        self.pool = replace(self.pool, vms={**self.pool.vms, vm: replace(self.pool.vms[vm], **changes)})

    def put(self, vm: str, host: str) -> None:
        """Move a VM behind everybody's back."""
        self.pool = pool_at(self.pool, Placement({vm: host}))

    def _script(self, vm: str) -> Script:
        return (self.scripts.get(vm) or [Script()])[0]

    def _next(self, vm: str) -> None:
        if self.scripts.get(vm):
            self.scripts[vm].pop(0)

    def _source(self, task: _Task) -> str:
        return str(self.pool.vms[task.vm].resident_on)

    def _go_on_unwatched(self, vm: str) -> None:
        for task in self._tasks.values():
            if task.vm == vm and task.script.send is not None and task.state.status is TaskStatus.PENDING:
                self._go_on(task)

    def _go_on(self, task: _Task) -> None:
        if task.polls:
            task.polls -= 1
            progress = 1 - task.polls / max(1, task.script.polls)
            task.state = TaskState(status=TaskStatus.PENDING, progress=progress, error=())
            return
        task.state = TaskState(status=task.script.status, progress=1.0, error=task.script.error)
        self._land(task)

    def _land(self, task: _Task) -> None:
        rest: dict[str, Any] = {"scheduled_to_be_resident_on": None, "current_operations": ()}
        if task.script.lands is None:
            self.change(task.vm, power_state=PowerState.HALTED, resident_on=None, **rest)
        else:
            self.change(task.vm, resident_on=task.script.lands or task.target, **rest)
