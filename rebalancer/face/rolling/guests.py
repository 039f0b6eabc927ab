"""VMs that cannot leave the host of a stage: shut down right before it goes down, started once it is back.

Each call is announced in the trace, and what the pool shows of the VM settles whether it came through. Guests are asked
to shut down, never made to; who does not is named, and the host stays on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rebalancer.errors import OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.execute import assert_unclaimed
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Uuid
from rebalancer.policy import Policy
from rebalancer.units import SECONDS_PER_MINUTE
from rebalancer.verify.shutdowns import shutdown_findings
from rebalancer.whatif.pinned import ShutDown
from rebalancer.xapi import LivePool, TaskStatus
from rebalancer.xapi.guest_power import WORDS, GuestPower, GuestState
from rebalancer.xapi.host_power import assert_words

HALTED, RUNNING = "Halted", "Running"
NOTHING = "-"
"""What stands in the trace where there was nothing to be put back."""


def assert_may_shut_down(policy: Policy) -> None:
    """Pass where the words of *policy* permit to shut VMs down, and to start them.

    Raises:
        InputError: they do not.
    """
    assert_words(policy.execution.power, WORDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedGuests:
    """The VMs of *stage* that are shut down meanwhile."""

    stage: KeptStage
    site: Site
    progress: Progress

    def shut_down(self) -> None:
        """Shut them down one after the other, as far as they are not.

        Raises:
            InputError: the policy does not permit it.
            RollingStopped: one is not to be shut down any more, or does not react.
        """
        if not self.stage.shut_down or self.progress.has(Event.OFF, self.stage):
            return
        self._prove()
        with self.site.door as live:
            power = self._power(live)
            self._turn_auto_power_on_off(power)
            states = {each.vm: power.state(each.vm) for each in self.stage.shut_down}
            for each in sorted(self.stage.shut_down, key=lambda each: -states[each.vm].order):
                self._take_down(each, states[each.vm], live, power)
        self.progress.note(Event.OFF, self.stage)

    def start(self) -> None:
        """Start those that were shut down, one after the other, in the opposite order; then put back what was lowered.

        Raises:
            InputError: the policy does not permit it.
            RollingStopped: one does not start, or something cannot be put back; the same again tries it again.
        """
        if not self.stage.shut_down or self.progress.has(Event.ON, self.stage):
            return
        lowered = self._noted(Event.STOPPING)
        with self.site.door as live:
            power = self._power(live)
            states = {vm: power.state(vm) for vm in lowered}
            back = [each for each in reversed(self.stage.shut_down) if each.vm in lowered]
            facts = list(self._all_up(back, states, live, power))
            facts += list(put_back(lowered, self.progress.words(Event.AUTO, self.stage), self.site.pool, power))
        if facts:
            raise self.progress.stopped(facts)
        self.progress.note(Event.ON, self.stage)

    def _prove(self) -> None:
        """Pass where the VMs that are still to be shut down may be, and can."""
        begun = self._noted(Event.STOPPING)
        vms = [each.vm for each in self.stage.shut_down if each.vm not in begun]
        named = self.site.policy.rolling.shut_down
        hold = self.site.policy.execution.hold_tag
        if facts := list(shutdown_findings(vms, self.stage.host, named, self.site.look(), hold=hold)):
            raise self.progress.stopped([*facts, self._stays_on])

    @property
    def _stays_on(self) -> str:
        return f"{self.stage.host_name} is not rebooted, and stays disabled"

    def _power(self, live: LivePool) -> GuestPower:
        assert_unclaimed(live, self.site.pool, self.site.state_dir)
        return live.guest_power(self.site.allowed)

    def _turn_auto_power_on_off(self, power: GuestPower) -> None:
        if not self.progress.has(Event.AUTO, self.stage):
            stands = power.auto_power_on(self.site.pool)
            self.progress.note(Event.AUTO, self.stage, words=stands or NOTHING)
        if self.progress.words(Event.AUTO, self.stage) != NOTHING:
            power.set_auto_power_on(self.site.pool, "")

    def _take_down(self, each: ShutDown, state: GuestState, live: LivePool, power: GuestPower) -> None:
        if each.vm not in self._noted(Event.STOPPING):
            priority = state.restart_priority or NOTHING
            self.progress.note(Event.STOPPING, self.stage, words=f"{each.vm} {priority}")
        if state.power_state == HALTED:
            return
        self.site.say(f"{each.vm_name} is shut down")
        if state.restart_priority:
            power.set_restart_priority(each.vm, "")
        try:
            task = "" if "clean_shutdown" in state.operations else _sent(lambda: power.shut_down(each.vm))
            words = self._until(each.vm, HALTED, task, live, power)
        except RefusedByXapi as refused:
            words = str(refused)
        if not words:
            return
        facts = [f"{each.vm_name} does not shut down: {words}", self._stays_on, *self._off(each, power)]
        raise self.progress.stopped(facts)

    def _off(self, failed: ShutDown, power: GuestPower) -> Iterator[str]:
        """What people should know of a stop half-way: who is off; and who is protected by nobody meanwhile."""
        begun = self._noted(Event.STOPPING)
        if begun[failed.vm] != NOTHING:
            power.set_restart_priority(failed.vm, begun[failed.vm])
        off = [each.vm_name for each in self.stage.shut_down if each.vm in begun and each.vm != failed.vm]
        if off:
            yield f"shut down already: {', '.join(off)}; the same command goes on, else start them on the enabled host"

    def _all_up(
        self, back: Sequence[ShutDown], states: Mapping[Uuid, GuestState], live: LivePool, power: GuestPower
    ) -> Iterator[str]:
        """Start VMs by their order, those of one as they come; why some do not start."""
        ranked = sorted(back, key=lambda each: states[each.vm].order)
        wait = 0
        for _, group in groupby(ranked, key=lambda each: states[each.vm].order):
            off = [each for each in group if states[each.vm].power_state != RUNNING]
            if off and wait:
                self.site.clock.sleep(wait)
            yield from filter(None, (self._bring_up(each, live, power) for each in off))
            wait = max((states[each.vm].start_delay for each in off), default=0)

    def _bring_up(self, each: ShutDown, live: LivePool, power: GuestPower) -> str:
        """Start a VM, and wait until it runs; why it does not, if so."""
        self.site.say(f"{each.vm_name} is started")
        self.progress.note(Event.STARTING, self.stage, words=each.vm)
        try:
            task = _sent(lambda: power.start(each.vm, self.stage.host))
            words = self._until(each.vm, RUNNING, task, live, power)
        except RefusedByXapi as refused:
            words = str(refused)
        return f"{each.vm_name} does not start on {self.stage.host_name}: {words}" if words else ""

    def _noted(self, event: Event) -> dict[Uuid, str]:
        """The VMs that lines of that kind name, with the restart priority that each had."""
        return lowered_in(self.progress.all_words(event, self.stage))

    def _until(self, vm: Uuid, wanted: str, task: str, live: LivePool, power: GuestPower) -> str:
        """Wait until a VM shows the power state that is *wanted*; why it does not, if so."""
        clock, minutes = self.site.clock, self.site.policy.rolling.shutdown_minutes
        until = clock.monotonic() + minutes * SECONDS_PER_MINUTE
        while True:
            try:
                if power.state(vm).power_state == wanted:
                    return ""
                told = live.task(task) if task else None
                if told is not None and told.status is TaskStatus.FAILURE:
                    return " ".join(told.error)
            except Unreachable:
                pass
            if clock.monotonic() >= until:
                return f"not within {minutes:g} min"
            clock.sleep(self.site.waits.poll)


def lowered_in(noted: Iterable[str]) -> dict[Uuid, str]:
    """The VMs that the words of lines name, with the restart priority that each had."""
    return {vm: priority for vm, _, priority in (words.partition(" ") for words in noted)}


def put_back(lowered: Mapping[Uuid, str], stood: str, pool: Uuid, power: GuestPower) -> Iterator[str]:
    """Put priorities back, and in *pool* the `auto_poweron` that *stood* there; what XAPI refuses is told."""
    for vm, priority in lowered.items():
        if priority != NOTHING:
            try:
                power.set_restart_priority(vm, priority)
            except RefusedByXapi as refused:
                yield f"the restart priority {priority!r} of VM {vm} cannot be put back: {refused}"
    if stood and stood != NOTHING:
        power.set_auto_power_on(pool, stood)


def _sent(call: Callable[[], str]) -> str:
    """The task of a *call*; "" where no answer came: then what the pool shows counts."""
    try:
        return call()
    except (OutcomeUnknown, Unreachable):
        return ""
