"""Judges the work on all hosts: what is sent and when, who is off meanwhile, and for how long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rebalancer.face.hosts import RollingPlans
from rebalancer.plan import Plan
from rebalancer.simulator import Simulator
from tests.storm.conduct import HARMLESS, KEY, MARKS
from tests.storm.judge import Judge, WatchedTime
from tests.storm.places import ON_A_HOST, Complaint, Places
from tests.storm.record import Call, Record
from tests.storm.rolling.scene import Scene

OF_HOSTS = {"host.disable", "host.enable", "host.reboot"}
SHUT_DOWN, SWITCH_OFF, START = "VM.clean_shutdown", "VM.hard_shutdown", "VM.start_on"
PATIENCE = 20 * 60.0
"""Seconds that a policy gives a guest by default."""
OF_PINNED = {SHUT_DOWN, SWITCH_OFF, START}
TURNED_DOWN = {"VM.set_ha_restart_priority", "pool.remove_from_other_config", "pool.add_to_other_config"}
AUTO = "auto_poweron"


class Watch(Judge):
    """A judge who knows that *pinned*, VMs by uuid, are shut down meanwhile, and notes for how long."""

    def __init__(self, simulator: Simulator, places: Places, time: WatchedTime, record: Record) -> None:
        super().__init__([simulator.database], places, time, record)
        self.pinned: dict[str, str] = {}
        self.off: dict[str, list[float]] = {}
        self._simulator = simulator

    def look(self) -> None:
        """Look at this instant."""
        dirty = self._dirty
        super().look()
        for vm, ref in self.pinned.items() if dirty else ():
            runs = self._simulator.database.get("VM", ref)["power_state"] in ON_A_HOST
            edges = self.off.setdefault(vm, [])
            if runs == (len(edges) % 2 == 1):
                edges.append(self.time.monotonic())

    def downtimes(self) -> dict[str, float]:
        """For how many seconds each of the pinned VMs was off."""
        now = self.time.monotonic()
        closed = {vm: [*edges, *[now] * (len(edges) % 2)] for vm, edges in self.off.items()}
        return {vm: sum(edges[1::2]) - sum(edges[::2]) for vm, edges in closed.items()}

    def _may_be(self, complaint: Complaint) -> bool:
        if complaint.kind == "halted" and complaint.about in self.pinned:
            return self._last_told(self.pinned[complaint.about]) in {SHUT_DOWN, SWITCH_OFF}
        return super()._may_be(complaint)

    def _last_told(self, ref: str) -> str:
        """What a VM was last told: to shut down, to be off, or to start; "" where nothing."""
        calls = (each for each in reversed(self.record.events) if isinstance(each, Call))
        told = ((call.method.removeprefix("Async."), call.params) for call in calls)
        return next((name for name, params in told if name in OF_PINNED and params[1] == ref), "")


class Conduct:
    """Judges what is sent: hosts reboot once, disabled and empty; VMs move or halt by their stages."""

    def __init__(
        self, simulator: Simulator, scene: Scene, judge: Watch, anew: Callable[[int], Plan | None] = lambda _: None
    ) -> None:
        self._anew = anew
        self._database, self._judge = simulator.database, judge
        self._homeward = set[tuple[str, str]]()
        self.rebooted = Counter[str]()
        self.begin(scene.plans)

    def begin(self, plans: RollingPlans) -> None:
        """From now on the hosts of *plans* are worked on, each once."""
        self._stages = plans.stages
        self._homes = {each.vm: stage.host for stage in self._stages for each in stage.shut_down}
        self._hard = {each.vm for stage in self._stages for each in stage.shut_down if each.hard}
        self._judge.pinned |= {vm: self._database.by_uuid("VM", vm) for vm in self._homes}
        self._moves = [{(step.vm, step.target) for step in stage.plan.steps} for stage in self._stages]
        self._stage = 0
        for host in plans.hosts:
            self.rebooted.pop(host, None)

    def lead_home(self, plan: Plan) -> None:
        """VMs go home by that plan, for what was begun is given up."""
        self._homeward = {(step.vm, step.target) for step in plan.steps}

    def at_sending(self, call: Call) -> None:
        """A process moves VMs, leaves marks of its own, and does to hosts and pinned VMs what their stage says."""
        name = call.method.removeprefix("Async.")
        if call.vm or name in HARMLESS or (name in MARKS and str(call.params[2]).startswith(KEY)):
            return
        if name in OF_HOSTS:
            return
        if not self._homes or name not in {*OF_PINNED, *TURNED_DOWN}:
            self._judge.blame(f"{call}: nobody may send that")
        elif name.startswith("pool.") and call.params[2] != AUTO:
            self._judge.blame(f"{call}: about {call.params[2]}")
        elif name.startswith("VM."):
            self._judge_pinned(call, name)

    def _judge_pinned(self, call: Call, name: str) -> None:
        vm = self._database.get("VM", call.params[1])
        home = self._homes.get(vm["uuid"])
        if home is None:
            self._judge.blame(f"{call}: {vm['name_label']} can leave its host")
            return
        ref = self._database.by_uuid("host", home)
        if name == START and call.params[2] != ref:
            self._judge.blame(f"{call}: not its host")
        if name == SWITCH_OFF and not (vm["uuid"] in self._hard and self._was_asked(call)):
            self._judge.blame(f"{call}: not on the list, or not asked for so long")
        if name == SHUT_DOWN:
            others = [each["name_label"] for each in self._guests(ref) if each["uuid"] not in self._homes]
            if others or self._database.get("host", ref)["enabled"]:
                self._judge.blame(f"{call}: before its host is disabled, and left by all others")
            if before := [each["name_label"] for each in self._guests(ref) if int(each["order"]) > int(vm["order"])]:
                self._judge.blame(f"{call}: before {', '.join(before)} of a higher order")
        if name == START:
            self._judge_start(call, vm, home)

    def _judge_start(self, call: Call, vm: dict[str, str], home: str) -> None:
        """No VM is started before those of lower orders run, or were started in vain."""
        events = (each for each in self._judge.record.events if isinstance(each, Call))
        tried = {each.params[1] for each in events if each.method == f"Async.{START}"}
        pinned = {ref for vm, ref in self._judge.pinned.items() if self._homes[vm] == home}
        for ref in pinned - tried:
            other = self._database.get("VM", ref)
            if other["power_state"] == "Halted" and int(other["order"]) < int(vm["order"]):
                self._judge.blame(f"{call}: before {other['name_label']} of a lower order")

    def _was_asked(self, call: Call) -> bool:
        """Whether the guest of the VM of a call has been asked to shut down for as long as it may take."""
        events = (each for each in self._judge.record.events if isinstance(each, Call))
        asked = [
            each.arrived
            for each in events
            if (each.method, each.params[1:2]) == (f"Async.{SHUT_DOWN}", call.params[1:2])
        ]
        return any(at is not None and call.at >= at + PATIENCE for at in asked[-1:])

    def at_arrival(self, call: Call) -> None:
        """A VM that moves does so by a stage that is not over, once."""
        if (call.vm, call.target) not in self._homeward:
            stages = range(self._stage, len(self._moves))
            at = next((number for number in stages if (call.vm, call.target) in self._moves_of(number)), None)
            if at is None:
                self._judge.blame(f"{call}: no step of a stage that is left")
                return
            self._stage = at
        if self._judge.places.is_moving(call.vm):
            self._judge.blame(f"{call}: the VM is on its way already")
        if self._judge.places.where(call.vm) == [call.target]:
            self._judge.blame(f"{call}: the VM is there already")
        if not self._database.get("host", self._database.by_uuid("host", call.target))["enabled"]:
            self._judge.blame(f"{call}: the host is disabled")

    def _moves_of(self, number: int) -> set[tuple[str, str]]:
        """The moves of a stage, counted from 0, by the plan that it was given last."""
        plan = self._anew(number + 1)
        return {(step.vm, step.target) for step in plan.steps} if plan else self._moves[number]

    def at_reboot(self, host: str) -> None:
        """A host is told to reboot."""
        record = self._database.get("host", host)
        self.rebooted[record["name_label"]] += 1
        if self.rebooted[record["name_label"]] > 1:
            self._judge.blame(f"{record['name_label']} is rebooted twice")
        if record["enabled"]:
            self._judge.blame(f"{record['name_label']} is rebooted, and not disabled")
        if on_it := self._guests(host):
            self._judge.blame(f"{record['name_label']} is rebooted with {len(on_it)} VMs")

    def _guests(self, host: str) -> Sequence[dict[str, str]]:
        """The VMs on a host, by its ref."""
        rows = (vm for _, vm in self._database.items("VM"))
        return [vm for vm in rows if vm["resident_on"] == host and not vm["is_control_domain"]]
