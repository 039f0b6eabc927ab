"""VMs that cannot leave their host: asked to shut down, and started, several at once, each announced in the trace.

What the pool shows of each settles whether a call came through; when that was first seen stands in the trace as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
UPWARD: Final = frozenset({"start", "start_on"})
"""The operations after which it runs."""
UNANSWERED: Final = frozenset({"VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT", "VM_SHUTDOWN_TIMEOUT"})
"""What XAPI says of a guest that it has asked to shut down, and that does not."""
NOTHING: Final = "-"
"""What stands in the trace where there was nothing to be put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestWatch:
    """A VM that is waited for to show the power state *wanted*.

    Args:
        guest: it.
        wanted: `HALTED` or `RUNNING`.
        until: when its time is over, by the monotonic clock.
        task: of the call; "" where nobody knows: then what the pool shows counts.
        patient: whether a deaf guest has all of its time, also where XAPI gives up sooner.
    """

    guest: ShutDown
    wanted: str
    until: float
    task: str = ""
    patient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How it ended to wait for a power state: `words` say why it did not come; "" where it did.

    `unanswered` tells that the time is over, and that XAPI has asked the guest all along, or in vain.
    """

    words: str = ""
    unanswered: bool = False


Failed = tuple[ShutDown, str]
"""A VM that does not show what is wanted, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuestSwitch:
    """Shuts VMs of *stage* down, and starts them."""

    stage: KeptStage
    site: Site
    progress: Progress
    live: LivePool
    power: GuestPower

    def shut_down(self, together: Sequence[ShutDown]) -> list[Failed]:
        """Ask the guests of VMs to shut down, and wait until all have; who does not, and why.

        Who does not react in time is switched off if the list and the policy say so, and nothing holds it. Once XAPI
        refuses one, nobody else is asked.

        Raises:
            Unreachable: the pool does not answer, so that not all are asked; those that were are waited for.
        """
        return self._all(together, self._asked, undaunted=False)

    def start(self, together: Sequence[ShutDown]) -> list[Failed]:
        """Start VMs on their host, as far as they do not run, and wait until all do; who does not, and why.

        Errors are those of `shut_down`.
        """
        return self._all(together, self._started, undaunted=True)

    def runs(self, vm: Uuid) -> None:
        """Note that a VM that was off is seen running."""
        self._seen(Event.RUNS, vm)

    def lowered(self) -> dict[Uuid, str]:
        """The VMs that were asked to shut down, with the restart priority that each had."""
        return lowered_in(self.progress.all_words(Event.STOPPING, self.stage))

    def _all(
        self, together: Sequence[ShutDown], begin: Callable[[ShutDown], GuestWatch], *, undaunted: bool
    ) -> list[Failed]:
        """*begin* with each, as long as XAPI refuses none or we are *undaunted*; then wait for all; who fails."""
        watches, failed, away = list[GuestWatch](), list[Failed](), list[Unreachable]()
        for each in together:
            try:
                watches.append(begin(each))
            except RefusedByXapi as refused:
                failed.append((each, str(refused)))
                if not undaunted:
                    break
            except Unreachable as error:
                away.append(error)
                break
        failed += self._watched(watches)
        if away and not failed:
            raise away[0]
        return failed

    def _asked(self, each: ShutDown) -> GuestWatch:
        """Ask the guest of a VM to shut down, unless it is off, or on its way there."""
        state = self.power.state(each.vm)
        off = state.power_state == HALTED
        asked = off or not DOWNWARD.isdisjoint(state.operations)
        if not asked or each.vm not in self.lowered():
            self._announce(each, state)
        if off:
            return self._watch(each, HALTED)
        self.site.say(f"{each.vm_name} is shut down")
        if state.restart_priority:
            self.power.set_restart_priority(each.vm, "")
        task = "" if asked else _sent(self.power.shut_down, each.vm)
        return self._watch(each, HALTED, task, patient=each.hard)

    def _started(self, each: ShutDown) -> GuestWatch:
        """Start a VM on its host, unless it runs, or is on its way there."""
        state = self.power.state(each.vm)
        if state.power_state == RUNNING or not UPWARD.isdisjoint(state.operations):
            return self._watch(each, RUNNING)
        self.site.say(f"{each.vm_name} is started")
        self.progress.note(Event.STARTING, self.stage, words=each.vm)
        return self._watch(each, RUNNING, _sent(lambda vm: self.power.start(vm, self.stage.host), each.vm))

    def _watch(self, each: ShutDown, wanted: str, task: str = "", *, patient: bool = False) -> GuestWatch:
        until = self.site.clock.monotonic() + self.site.policy.rolling.shutdown_minutes * SECONDS_PER_MINUTE
        return GuestWatch(guest=each, wanted=wanted, until=until, task=task, patient=patient)

    def _watched(self, watches: Sequence[GuestWatch]) -> list[Failed]:
        """Wait until each shows what is wanted, or its time is over, whatever the others do; who does not, and why."""
        failed, waiting = list[Failed](), list(watches)
        while waiting:
            looks = [(watch, self._look(watch)) for watch in waiting]
            waiting = [watch for watch, waited in looks if waited is None]
            for watch, waited in looks:
                following = waited and self._ended(watch, waited)
                if isinstance(following, GuestWatch):
                    waiting.append(following)
                elif following:
                    failed.append((watch.guest, following))
            if waiting:
                self.site.clock.sleep(self.site.waits.poll)
        return failed

    def _ended(self, watch: GuestWatch, waited: Waited) -> GuestWatch | str:
        """What follows where it is over to wait for a VM: why it fails, "" where it does not, or another wait."""
        if not waited.words:
            self._seen(Event.HALTED if watch.wanted == HALTED else Event.RUNS, watch.guest.vm)
            return ""
        return self._switched_off(watch.guest, waited.words) if watch.patient and waited.unanswered else waited.words

    def _switched_off(self, each: ShutDown, words: str) -> GuestWatch | str:
        """Switch a VM off whose guest was asked in vain, as *words* say; why it is not, if so."""
        policy, pool = self.site.policy, self.live.read()
        if each.vm in pool.vms and pool.vms[each.vm].power_state is PowerState.HALTED:
            return self._watch(each, HALTED)
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
        try:
            return self._watch(each, HALTED, _sent(door.switch_off, each.vm))
        except RefusedByXapi as refused:
            return str(refused)

    def _announce(self, each: ShutDown, state: GuestState) -> None:
        priority = self.lowered().get(each.vm, state.restart_priority or NOTHING)
        self.progress.note(Event.STOPPING, self.stage, words=f"{each.vm} {priority}")

    def _seen(self, event: Event, vm: Uuid) -> None:
        """Note what a VM shows, where that is news."""
        if self.progress.last_about(vm, self.stage) is not event:
            self.progress.note(event, self.stage, words=vm)

    def _look(self, watch: GuestWatch) -> Waited | None:
        """How it ended to wait for a VM; None where it has not.

        Nobody counts as asked in vain whose task is not known, and who shows nothing of it.
        """
        unanswered = False
        try:
            state = self.power.state(watch.guest.vm)
            if state.power_state == watch.wanted:
                return Waited()
            told = self.live.task(watch.task) if watch.task else None
            silent = told is not None and not UNANSWERED.isdisjoint(told.error[:1])
            if told is not None and (words := _failure(told)) and not (watch.patient and silent):
                return Waited(words=words)
            pending = told.status is TaskStatus.PENDING if told else CLEAN in state.operations
            unanswered = silent or pending
        except Unreachable:
            pass
        except RefusedByXapi as refused:
            return Waited(words=str(refused))
        if self.site.clock.monotonic() < watch.until:
            return None
        return Waited(words=f"not within {self.site.policy.rolling.shutdown_minutes:g} min", unanswered=unanswered)


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
