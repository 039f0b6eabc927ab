"""One VM that cannot leave its host: asked to shut down, and started, each time announced in the trace.

What the pool shows of it settles whether a call came through; when that was first seen stands in the trace as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from rebalancer.errors import OutcomeUnknown, RefusedByXapi, Unreachable
from rebalancer.execute import assert_unclaimed
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import PowerState, Uuid
from rebalancer.units import SECONDS_PER_MINUTE
from rebalancer.verify.shutdowns import switch_off_findings
from rebalancer.whatif.pinned import ShutDown
from rebalancer.xapi import LivePool, TaskState, TaskStatus
from rebalancer.xapi.power.guest_power import GuestPower, GuestState
from rebalancer.xapi.power.hard_shutdown import HARD

HALTED, RUNNING = "Halted", "Running"
CLEAN: Final = "clean_shutdown"
"""XAPI's name for the operation of a VM whose guest was asked to shut down."""
DOWNWARD: Final = frozenset({CLEAN, "hard_shutdown"})
"""The operations after which a VM is off."""
UNANSWERED: Final = frozenset({"VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", "VM_SHUTDOWN_TIMEOUT"})
"""What XAPI says of a guest that it has asked to shut down, and that does not."""
NOTHING: Final = "-"
"""What stands in the trace where there was nothing to be put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How it ended to wait for a power state: `words` say why it did not come; "" where it did.

    `unanswered` tells that the time is over, and that XAPI has asked the guest all along, or in vain.
    """

    words: str = ""
    unanswered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSwitch:
    """Shuts VMs of *stage* down, and starts them."""

    stage: KeptStage
    site: Site
    progress: Progress
    live: LivePool
    power: GuestPower

    def shut_down(self, each: ShutDown, state: GuestState) -> str:
        """Ask the guest of a VM that shows *state* to shut down, and wait until it has; why it does not, if so.

        Where it does not react in time, it is switched off if the list and the policy say so, and nothing holds it.
        """
        if state.power_state == HALTED:
            if each.vm not in self.lowered():
                self._announce(each, state)
            self._seen(Event.HALTED, each.vm)
            return ""
        asked = not DOWNWARD.isdisjoint(state.operations)
        if not asked:
            self._announce(each, state)
        self.site.say(f"{each.vm_name} is shut down")
        if state.restart_priority:
            self.power.set_restart_priority(each.vm, "")
        waited = self._told(each.vm, HALTED, None if asked else self.power.shut_down, patient=each.hard)
        return self._switched_off(each, waited.words) if each.hard and waited.unanswered else waited.words

    def start(self, each: ShutDown) -> str:
        """Start a VM on its host, and wait until it runs; why it does not, if so."""
        self.site.say(f"{each.vm_name} is started")
        self.progress.note(Event.STARTING, self.stage, words=each.vm)
        return self._told(each.vm, RUNNING, lambda vm: self.power.start(vm, self.stage.host)).words

    def runs(self, vm: Uuid) -> None:
        """Note that a VM that was off is seen running."""
        self._seen(Event.RUNS, vm)

    def lowered(self) -> dict[Uuid, str]:
        """The VMs that were asked to shut down, with the restart priority that each had."""
        return lowered_in(self.progress.all_words(Event.STOPPING, self.stage))

    def _switched_off(self, each: ShutDown, words: str) -> str:
        """Switch a VM off whose guest was asked in vain, as *words* say; why it is not off, if so."""
        policy, pool = self.site.policy, self.live.read()
        if each.vm in pool.vms and pool.vms[each.vm].power_state is PowerState.HALTED:
            self._seen(Event.HALTED, each.vm)
            return ""
        named, hold = policy.rolling.hard_shut_down, policy.execution.hold_tag
        facts = list(switch_off_findings(each.vm, self.stage.host, named, pool, hold=hold))
        if HARD not in self.site.allowed:
            facts.append(f'execution.power does not say "{HARD}"')
        if facts:
            return f"{words}; it is not switched off: {'; '.join(facts)}"
        assert_unclaimed(self.live, self.site.pool, self.site.state_dir)
        door = self.live.hard_shutdowns(self.site.allowed, named)
        self.progress.note(Event.FORCING, self.stage, words=each.vm)
        self.site.say(f"the guest of {each.vm_name} does not react, {words}: it is switched off")
        return self._told(each.vm, HALTED, door.switch_off).words

    def _announce(self, each: ShutDown, state: GuestState) -> None:
        priority = self.lowered().get(each.vm, state.restart_priority or NOTHING)
        self.progress.note(Event.STOPPING, self.stage, words=f"{each.vm} {priority}")

    def _seen(self, event: Event, vm: Uuid) -> None:
        """Note what a VM shows, where that is news."""
        if self.progress.last_about(vm, self.stage) is not event:
            self.progress.note(event, self.stage, words=vm)

    def _told(self, vm: Uuid, wanted: str, call: Callable[[Uuid], str] | None, *, patient: bool = False) -> Waited:
        """Send a *call* about a VM, where there is one, and wait for the power state *wanted*."""
        try:
            waited = self._until(vm, wanted, _sent(call, vm) if call else "", patient=patient)
        except RefusedByXapi as refused:
            return Waited(words=str(refused))
        if not waited.words:
            self._seen(Event.HALTED if wanted == HALTED else Event.RUNS, vm)
        return waited

    def _until(self, vm: Uuid, wanted: str, task: str, *, patient: bool) -> Waited:
        """Wait until a VM shows the power state that is *wanted*; one who is *patient* gives a deaf guest all the time.

        Nobody counts as asked in vain whose *task* is not known, and who shows nothing of it.
        """
        clock, minutes = self.site.clock, self.site.policy.rolling.shutdown_minutes
        until = clock.monotonic() + minutes * SECONDS_PER_MINUTE
        while True:
            unanswered = False
            try:
                state = self.power.state(vm)
                if state.power_state == wanted:
                    return Waited()
                told = self.live.task(task) if task else None
                silent = told is not None and not UNANSWERED.isdisjoint(told.error[:1])
                if told is not None and (words := _failure(told)) and not (patient and silent):
                    return Waited(words=words)
                pending = told.status is TaskStatus.PENDING if told else CLEAN in state.operations
                unanswered = silent or pending
            except Unreachable:
                pass
            if clock.monotonic() >= until:
                return Waited(words=f"not within {minutes:g} min", unanswered=unanswered)
            clock.sleep(self.site.waits.poll)


def _failure(told: TaskState) -> str:
    """Why a task has failed; "" where it has not."""
    if told.status is TaskStatus.CANCELLED:
        return "somebody cancelled that"
    return " ".join(told.error) if told.status is TaskStatus.FAILURE else ""


def lowered_in(noted: Iterable[str]) -> dict[Uuid, str]:
    """The VMs that the words of lines name, with the restart priority that each had."""
    return {vm: priority for vm, _, priority in (words.partition(" ") for words in noted)}


def _sent(call: Callable[[Uuid], str], vm: Uuid) -> str:
    """The task of a *call* about a VM; "" where no answer came: then what the pool shows counts."""
    try:
        return call(vm)
    except (OutcomeUnknown, Unreachable):
        return ""
