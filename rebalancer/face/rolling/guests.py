"""VMs that cannot leave the host of a stage: shut down right before it goes down, started once it is back.

Those of one order go together, and come together: the next order waits for all of them. Each call is announced in the
trace, and what the pool shows of the VM settles whether it came through. Guests are asked to shut down; who does not is
named, and the host stays on, unless the list and the policy say to switch it off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rebalancer.errors import RefusedByXapi
from rebalancer.execute import assert_unclaimed
from rebalancer.face.rolling.guest_switch import DOWNWARD, NOTHING, RUNNING, Failed, GuestSwitch
from rebalancer.face.rolling.kept import KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.inventory import Pool, PowerState, Uuid
from rebalancer.policy import Policy
from rebalancer.verify.shutdowns import shutdown_findings
from rebalancer.whatif.pinned import ShutDown, waves
from rebalancer.xapi import LivePool
from rebalancer.xapi.power.guest_power import WORDS, GuestPower, GuestState
from rebalancer.xapi.power.host_power import assert_words


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
        """Shut them down, wave by wave, as far as they are not.

        Raises:
            InputError: the policy does not permit it.
            RollingStopped: one is not to be shut down any more, or does not react.
        """
        if not self.stage.shut_down or self.progress.has(Event.OFF, self.stage):
            return
        with self.site.door as live:
            switch = self._switch(live)
            self._prove(switch, live.read())
            self._turn_auto_power_on_off(switch.power)
            orders = {each.vm: switch.power.state(each.vm).order for each in self.stage.shut_down}
            for together in waves(self.stage.shut_down, lambda each: orders[each.vm]):
                if failed := switch.shut_down(together):
                    facts = [f"{each.vm_name} does not shut down: {words}" for each, words in failed]
                    raise self.progress.stopped([*facts, self._stays_on, *self._off(failed, switch)])
        self.progress.note(Event.OFF, self.stage)

    def start(self) -> None:
        """Start those that were shut down, in the same waves, the last one first; then put back what was lowered.

        Raises:
            InputError: the policy does not permit it.
            RollingStopped: one does not start, or something cannot be put back; the same again tries it again.
        """
        if not self.stage.shut_down or self.progress.has(Event.ON, self.stage):
            return
        with self.site.door as live:
            switch = self._switch(live)
            lowered = switch.lowered()
            states = {vm: switch.power.state(vm) for vm in lowered}
            back = [each for each in self.stage.shut_down if each.vm in lowered]
            facts = list(self._all_up(back, states, switch))
            facts += list(put_back(lowered, self.progress.words(Event.AUTO, self.stage), self.site.pool, switch.power))
        if facts:
            raise self.progress.stopped(facts)
        self.progress.note(Event.ON, self.stage)

    def _switch(self, live: LivePool) -> GuestSwitch:
        assert_unclaimed(live, self.site.pool, self.site.state_dir)
        power = live.guest_power(self.site.allowed)
        return GuestSwitch(stage=self.stage, site=self.site, progress=self.progress, live=live, power=power)

    def _prove(self, switch: GuestSwitch, pool: Pool) -> None:
        """Pass where the VMs that are still to be asked in *pool* may be, and can."""
        begun = switch.lowered()
        vms = [each.vm for each in self.stage.shut_down if not (each.vm in begun and _goes_down(each.vm, pool))]
        named = self.site.policy.rolling.shut_down
        hold = self.site.policy.execution.hold_tag
        if facts := list(shutdown_findings(vms, self.stage.host, named, pool, hold=hold)):
            raise self.progress.stopped([*facts, self._stays_on])

    @property
    def _stays_on(self) -> str:
        return f"{self.stage.host_name} is not rebooted, and stays disabled"

    def _turn_auto_power_on_off(self, power: GuestPower) -> None:
        if not self.progress.has(Event.AUTO, self.stage):
            stands = power.auto_power_on(self.site.pool)
            self.progress.note(Event.AUTO, self.stage, words=stands or NOTHING)
        if self.progress.words(Event.AUTO, self.stage) != NOTHING:
            power.set_auto_power_on(self.site.pool, "")

    def _off(self, failed: Sequence[Failed], switch: GuestSwitch) -> Iterator[str]:
        """What people should know of a stop half-way: who is off; and who is protected by nobody meanwhile."""
        begun, on = switch.lowered(), {each.vm for each, _ in failed}
        yield from put_back({vm: begun[vm] for vm in begun if vm in on}, "", self.site.pool, switch.power)
        off = [each.vm_name for each in self.stage.shut_down if each.vm in begun and each.vm not in on]
        if off:
            yield f"shut down already: {', '.join(off)}; the same command goes on, else start them on the enabled host"

    def _all_up(
        self, back: Sequence[ShutDown], states: Mapping[Uuid, GuestState], switch: GuestSwitch
    ) -> Iterator[str]:
        """Start VMs by their order, those of one together; why some do not start."""
        delay, before = 0, list[Uuid]()
        up = reversed(list(waves(back, lambda each: states[each.vm].order)))
        for _, same in groupby(up, key=lambda together: states[together[0].vm].order):
            group = list(same)
            vms = [each.vm for together in group for each in together]
            running = [vm for vm in vms if states[vm].power_state == RUNNING]
            for vm in running:
                switch.runs(vm)
            if len(running) < len(vms):
                self._wait_for(before, delay)
            for together in group:
                for each, words in switch.start(together):
                    yield f"{each.vm_name} does not start on {self.stage.host_name}: {words}"
            delay, before = max(states[vm].start_delay for vm in vms), vms

    def _wait_for(self, vms: Sequence[Uuid], delay: float) -> None:
        """Wait until the last of *vms* has run for *delay* seconds."""
        ran = [at for vm in vms if (at := self.progress.at(Event.RUNS, vm, self.stage))]
        if ran:
            left = delay - (self.site.clock.now() - max(ran)).total_seconds()
            self.site.clock.sleep(min(delay, max(0.0, left)))


def _goes_down(vm: Uuid, pool: Pool) -> bool:
    """Whether a VM that was asked to shut down is off, or on its way."""
    found = pool.vms.get(vm)
    if found is None:
        return False
    return found.power_state is PowerState.HALTED or not DOWNWARD.isdisjoint(found.current_operations)


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
