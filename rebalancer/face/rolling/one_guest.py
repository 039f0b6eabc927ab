"""One VM that cannot leave its host: asked to shut down, and started, each time announced in the trace.

What the pool shows of it settles whether a call came through; when that was first seen stands in the trace as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from rebalancer.errors import OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Uuid
from rebalancer.units import SECONDS_PER_MINUTE
from rebalancer.whatif.pinned import ShutDown
from rebalancer.xapi import LivePool, TaskStatus
from rebalancer.xapi.guest_power import GuestPower, GuestState

HALTED, RUNNING = "Halted", "Running"
CLEAN: Final = "clean_shutdown"
"""XAPI's name for the operation of a VM whose guest was asked to shut down."""
NOTHING: Final = "-"
"""What stands in the trace where there was nothing to be put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSwitch:
    """Shuts VMs of *stage* down, and starts them."""

    stage: KeptStage
    site: Site
    progress: Progress
    live: LivePool
    power: GuestPower

    def shut_down(self, each: ShutDown, state: GuestState) -> str:
        """Ask the guest of a VM that shows *state* to shut down, and wait until it has; why it does not, if so."""
        if state.power_state == HALTED:
            if each.vm not in self.lowered():
                self._announce(each, state)
            self._seen(Event.HALTED, each.vm)
            return ""
        if CLEAN not in state.operations:
            self._announce(each, state)
        self.site.say(f"{each.vm_name} is shut down")
        if state.restart_priority:
            self.power.set_restart_priority(each.vm, "")
        return self._told(each.vm, HALTED, "" if CLEAN in state.operations else CLEAN)

    def start(self, each: ShutDown) -> str:
        """Start a VM on its host, and wait until it runs; why it does not, if so."""
        self.site.say(f"{each.vm_name} is started")
        self.progress.note(Event.STARTING, self.stage, words=each.vm)
        return self._told(each.vm, RUNNING, "start_on")

    def runs(self, vm: Uuid) -> None:
        """Note that a VM that was off is seen running."""
        self._seen(Event.RUNS, vm)

    def lowered(self) -> dict[Uuid, str]:
        """The VMs that were asked to shut down, with the restart priority that each had."""
        return lowered_in(self.progress.all_words(Event.STOPPING, self.stage))

    def _announce(self, each: ShutDown, state: GuestState) -> None:
        priority = self.lowered().get(each.vm, state.restart_priority or NOTHING)
        self.progress.note(Event.STOPPING, self.stage, words=f"{each.vm} {priority}")

    def _seen(self, event: Event, vm: Uuid) -> None:
        """Note what a VM shows, where that is news."""
        if self.progress.last_about(vm, self.stage) is not event:
            self.progress.note(event, self.stage, words=vm)

    def _told(self, vm: Uuid, wanted: str, call: str) -> str:
        """Send a *call* about a VM, where there is one, and wait for the power state *wanted*; why it fails, if so."""
        host, calls = self.stage.host, self.power
        sends = {CLEAN: lambda: calls.shut_down(vm), "start_on": lambda: calls.start(vm, host)}
        try:
            words = self._until(vm, wanted, _sent(sends[call]) if call else "")
        except RefusedByXapi as refused:
            words = str(refused)
        if not words:
            self._seen(Event.HALTED if wanted == HALTED else Event.RUNS, vm)
        return words

    def _until(self, vm: Uuid, wanted: str, task: str) -> str:
        """Wait until a VM shows the power state that is *wanted*; why it does not, if so."""
        clock, minutes = self.site.clock, self.site.policy.rolling.shutdown_minutes
        until = clock.monotonic() + minutes * SECONDS_PER_MINUTE
        while True:
            try:
                if self.power.state(vm).power_state == wanted:
                    return ""
                told = self.live.task(task) if task else None
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


def _sent(call: Callable[[], str]) -> str:
    """The task of a *call*; "" where no answer came: then what the pool shows counts."""
    try:
        return call()
    except (OutcomeUnknown, Unreachable):
        return ""
