"""Putting hosts to sleep, and waking them: each call is written down before it leaves, and the pool is looked at after.

Nothing is asked twice of a pool that shows what was wanted, so that whoever was killed on the way may begin again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from rebalancer.errors import RefusedByXapi, Unreachable
from rebalancer.execute.options import Clock
from rebalancer.execute.power.record import HostNote, HostStage, PowerRecord
from rebalancer.inventory import Host, Pool, Uuid
from rebalancer.xapi import LivePool
from rebalancer.xapi.power.host_power import HostPower
from rebalancer.xapi.power.service import HostService

IS_LIVE: Final = "HOST_IS_LIVE"
GOES_DOWN: Final = "shutdown"
"""XAPI's name for the operation of a host that goes down."""
STILL_BOOTING: Final = "HOST_STILL_BOOTING"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostSwitch:
    """The way to switch hosts of a pool off and on.

    Args:
        live: the pool, to be looked at.
        service: disables and enables hosts.
        power: switches them off and on.
        record: where it is written down.
        clock: time.
        boot_seconds: how long a host may take to go down, and to come back.
        poll_seconds: between two looks.
    """

    live: LivePool
    service: HostService
    power: HostPower
    record: PowerRecord
    clock: Clock
    boot_seconds: float
    poll_seconds: float = 1.0

    def note(self, host: Uuid, stage: HostStage, *, srs: Collection[Uuid] = (), words: str = "") -> None:
        """Write down the stage of a host."""
        note = HostNote(at=self.clock.now(), host=host, stage=stage, srs=tuple(sorted(srs)), words=words)
        self.record.note(note)

    def put_to_sleep(self, host: Host) -> str:
        """Disable *host*, look that nobody came, and switch it off; what is doubtful of it, "" where it sleeps.

        A guest that came meanwhile keeps the host: it is enabled again, and no longer the record's.

        Raises:
            RefusedByXapi: with XAPI's code, as where high availability counts on the host; it stays on.
            Unreachable: the pool did not answer before it was switched off.
        """
        if GOES_DOWN not in host.current_operations:
            self.note(host.uuid, HostStage.CLOSING, srs=host.attached_srs)
            self.service.disable(host.uuid)
            came = guests_on(host.uuid, self.live.read())
            if came:
                self.release(host.uuid, f"{', '.join(came)} came meanwhile")
                return f"{', '.join(came)} came to {host.name} meanwhile: it stays on"
            self.note(host.uuid, HostStage.STOPPING, srs=host.attached_srs)
            with suppress(Unreachable):
                self.power.shut_down(host.uuid)
        if not self._shows(lambda pool: _is_off(host.uuid, pool)):
            minutes = self.boot_seconds / 60
            return f"{host.name} was told to go down and is still on after {minutes:g} min: look at its console"
        self.note(host.uuid, HostStage.ASLEEP, srs=host.attached_srs)
        return ""

    def release(self, host: Uuid, words: str, stage: HostStage = HostStage.FREE) -> None:
        """Enable a *host* that was disabled to sleep and does not, then write down why."""
        found = self.live.read().hosts.get(host)
        if found is not None and found.live and not found.enabled:
            self.service.enable(host)
        self.note(host, stage, words=words)

    def wake(self, hosts: Sequence[Host]) -> tuple[str, ...]:
        """Switch *hosts* on, wait for all of them and enable them; what is doubtful, a sentence a host.

        Raises:
            RefusedByXapi: with XAPI's code.
            Unreachable: the pool does not answer.
        """
        doubts = tuple(filter(None, map(self._switch_on, hosts)))
        waited = [host for host in hosts if self.record.latest()[host.uuid].stage is HostStage.STARTING]
        self._shows(lambda pool: all(_is_back(host.uuid, pool, self._srs(host.uuid)) for host in waited))
        return (*doubts, *(words for host in waited if (words := self._welcomed(host))))

    def _switch_on(self, host: Host) -> str:
        """Switch *host* on; why that cannot be, if so."""
        if not host.live and not self.power.mode(host.uuid):
            return f"{host.name} has no power_on_mode any more: switch it on by hand, then wake it again"
        self.note(host.uuid, HostStage.STARTING, srs=self._srs(host.uuid))
        if host.live:
            return ""
        try:
            with suppress(Unreachable):
                self.power.switch_on(host.uuid)
        except RefusedByXapi as refused:
            if refused.code != IS_LIVE:
                raise
        return ""

    def _welcomed(self, host: Host) -> str:
        """Enable *host*, which should be back by now; why that cannot be, if so."""
        found, minutes = self.live.read().hosts.get(host.uuid), self.boot_seconds / 60
        if found is None or not found.live:
            return f"{host.name} was switched on and is not back after {minutes:g} min: look at its console"
        lost = sorted(set(self._srs(host.uuid)) - found.attached_srs)
        if lost:
            return f"{host.name} is back without storage that it had ({', '.join(lost)}): plug it (`xe pbd-plug`)"
        if not self._shows(lambda pool: self._is_enabled(host.uuid, pool)):
            return f"{host.name} is back and still boots after {minutes:g} min: look at its console"
        self.note(host.uuid, HostStage.AWAKE)
        return ""

    def _is_enabled(self, host: Uuid, pool: Pool) -> bool:
        """Whether *host* is enabled in *pool*, or is now; a toolstack that still starts is asked again."""
        if host in pool.hosts and pool.hosts[host].enabled:
            return True
        try:
            self.service.enable(host)
        except RefusedByXapi as refused:
            if refused.code != STILL_BOOTING:
                raise
            return False
        return True

    def _srs(self, host: Uuid) -> tuple[Uuid, ...]:
        """The SRs that *host* had when it went to sleep."""
        return self.record.latest()[host].srs

    def _shows(self, wanted: Callable[[Pool], bool]) -> bool:
        """Whether the pool shows what is *wanted*, within the time that a host may take."""
        return any(wanted(pool) for pool in self._looks())

    def _looks(self) -> Iterator[Pool]:
        """What the pool shows, look by look, until the time is over; at least once."""
        until = self.clock.monotonic() + self.boot_seconds
        while True:
            with suppress(Unreachable):
                yield self.live.read()
            if self.clock.monotonic() >= until:
                return
            self.clock.sleep(self.poll_seconds)


def guests_on(host: Uuid, pool: Pool, *, but: Collection[Uuid] = ()) -> tuple[str, ...]:
    """The names of guests that run on *host*, or are on their way to it; those in *but* left out."""
    there = {vm.uuid: vm.name for vm in pool.vms_by_host().get(host, ()) if vm.is_guest}
    return tuple(sorted(name for vm, name in there.items() if vm not in but))


def _is_off(host: Uuid, pool: Pool) -> bool:
    found = pool.hosts.get(host)
    return found is None or not found.live


def _is_back(host: Uuid, pool: Pool, srs: Collection[Uuid]) -> bool:
    found = pool.hosts.get(host)
    return found is not None and bool(found.live) and found.attached_srs >= set(srs)
