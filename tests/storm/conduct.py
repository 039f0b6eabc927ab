"""How runs behave, judged by itself: what they send and when, what they write, and what they say at their end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rebalancer.cli.exits import Exit
from rebalancer.plan import Plan, Step
from rebalancer.simulator.state.database import Database
from tests.storm.judge import Judge
from tests.storm.places import NULL
from tests.storm.record import Call, Line, Run

KEY = "rebalancer:"
LOCK = "rebalancer:lock"
HARMLESS = {
    "VM.assert_can_migrate",
    "host.migrate_receive",
    "session.login_with_password",
    "session.logout",
    "task.cancel",
    "task.destroy",
}
MARKS = {
    f"{owner}.{verb}_{field}"
    for owner, field in (("pool", "gui_config"), ("VM", "other_config"))
    for verb in ("add_to", "remove_from")
}
FIELDS = "gui_config", "other_config"
AT_HOME = {"refused", "stayed", "unsent"}


class Conduct:
    """Judges the runs of a storm over the pools of *databases*."""

    def __init__(self, judge: Judge, databases: Sequence[Database], plan: Plan) -> None:
        self._judge, self._databases = judge, databases
        self._places, self._record, self._blame = judge.places, judge.record, judge.blame
        self._locks = plan.policy.execution.pool_lock == "required"
        judge.read = self.at_line

    def at_line(self, line: Line) -> None:
        """What a line says of a VM has to be true when it is written."""
        if line.entry["event"] != "looked":
            return
        step = step_of(line.run, line.entry["step"])
        state, where = line.entry["state"], self._places.where(step.vm)
        if self._judge.is_excused(step.vm):
            return
        if state == "moved" and not (len(where) == 1 and where[0] in _ends(line, step)):
            self._blame(f"{line}, and the VM is on {where}")
        if state in AT_HOME and where != [step.source]:
            self._blame(f"{line}, and the VM is on {where}")
        if state in AT_HOME and self._places.is_moving(step.vm):
            self._blame(f"{line}, and the VM is on its way")
        if state == "halted" and where:
            self._blame(f"{line}, and the VM runs")

    def at_sending(self, call: Call) -> None:
        """A run moves VMs, asks, and leaves marks of its own; it sends nothing else that changes anything."""
        if not (call.vm or call.method in HARMLESS or (call.method in MARKS and str(call.params[2]).startswith(KEY))):
            self._blame(f"{call}: no run may send that")

    def at_arrival(self, call: Call) -> None:
        """A call that moves a VM is a step of the plan whose turn it is, and no earlier call for the VM is open."""
        lines = list(self._record.lines(call.run.journal))
        intended = next((line for line in reversed(lines) if _intends(line, call)), None)
        if intended is None:
            self._blame(f"{call}: no step that the journal intends")
            return
        step = step_of(call.run, intended.entry["step"])
        told = [line.entry for line in lines if line.entry.get("step") == step.id]
        if told[-1] is not intended.entry:
            self._blame(f"{call}: {step.id} was last {told[-1]['event']}")
        if told[:-1] and told[-2].get("state") not in AT_HOME:
            self._blame(f"{call}: intended again after {told[-2]['event']} {told[-2].get('state', '')}")
        done = {each.entry["step"] for each in lines if each.entry.get("state") == "moved"}
        if missing := set(step.after) - done:
            self._blame(f"{call}: before {', '.join(sorted(missing))}")
        if call.run.asked_to_stop is not None and call.run.asked_to_stop < intended.at:
            self._blame(f"{call}: it was asked to stop")
        self._judge_lock(call, [line.entry for line in lines if line.entry["event"] == "run-began"])
        self._judge_doubles(call, intended.at)

    def _judge_lock(self, call: Call, begun: Sequence[dict[str, Any]]) -> None:
        """Whoever moves a VM holds the lock of each pool."""
        for database in self._databases if self._locks else ():
            for _, pool in database.items("pool"):
                holder = json.loads(pool["gui_config"].get(LOCK, "{}")).get("run")
                if not begun or holder != begun[-1]["run"]:
                    self._blame(f"{call}: the lock of the pool is of {holder}")

    def _judge_doubles(self, call: Call, intended: float) -> None:
        """No call for a VM that is on its way or there already, or for which another call is still on the wire.

        Others may have begun to move it, or moved it there, since it was looked at, before the step was *intended*.
        """
        if not self._judge.was_touched_since(call.vm, intended):
            if self._places.is_moving(call.vm):
                self._blame(f"{call}: the VM is on its way already")
            if self._places.where(call.vm) == [call.target]:
                self._blame(f"{call}: the VM is there already")
        if any(each is not call and each.vm == call.vm and each.is_on_the_wire for each in self._record.calls()):
            self._blame(f"{call}: an earlier call for the VM has not arrived yet")

    def at_error(self, run: Run, code: Exit) -> None:
        """An error other than "stopped half-way" says that nothing was sent."""
        sent = [call for call in self._record.calls() if call.run is run and call.arrived is not None]
        if code not in {Exit.ERROR, Exit.STALE, Exit.STOPPED}:
            self._blame(f"{run.name} ended with {code!r}, which no run may")
        if code is not Exit.STOPPED and sent:
            self._blame(f"{run.name} ended with {code!r}, which says that nothing was sent, after {sent[0]}")

    def at_completion(self, run: Run, last: Sequence[Step]) -> None:
        """A complete run has brought every VM to the host of its last step."""
        for step in last:
            if not self._judge.is_excused(step.vm) and self._places.where(step.vm) != [step.target]:
                self._blame(f"{run.name} says complete, and {step.id} is not")
        for complaint in self._places.broken_wishes() if self._judge.wishes and self._judge.is_left_alone else ():
            self._blame(f"{run.name} says complete: {complaint}")

    def at_an_end(self, run: Run) -> None:
        """Whoever ends of its own accord leaves no mark of its own."""
        begun = [line.entry["run"] for line in self._record.lines(run.journal) if line.entry["event"] == "run-began"]
        records = [row for each in self._databases for cls in ("pool", "VM") for _, row in each.items(cls)]
        marks = [mark for row in records for name in FIELDS for mark in row.get(name, {}).items()]
        ours = [key for key, value in marks if key.startswith(KEY) and begun[-1] in key + value]
        if ours:
            self._blame(f"{run.name} leaves {', '.join(sorted(ours))}")

    def at_the_end(self) -> None:
        """Nothing is under way any more."""
        for database in self._databases:
            for _, vm in database.items("VM"):
                if vm["current_operations"] or vm["scheduled_to_be_resident_on"] != NULL:
                    self._blame(f"{vm['uuid'][:8]} is still busy: {vm['current_operations']}")


def step_of(run: Run, name: str) -> Step:
    """The step of that name in the plan of a run."""
    return next(each for each in run.plan.steps if each.id == name)


def _ends(line: Line, step: Step) -> set[str]:
    """Where the VM of *step* may be once that has moved; found so by a later run, also where later steps took it."""
    steps = line.run.plan.steps if line.entry.get("words") else (step,)
    return {each.target for each in steps[steps.index(step) :] if each.vm == step.vm}


def _intends(line: Line, call: Call) -> bool:
    entry = line.entry
    return entry["event"] == "intended" and (entry["vm"], entry["target"]) == (call.vm, call.target)
