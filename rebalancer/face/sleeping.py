"""Hosts that are put to sleep and woken: which, by the pool, the policy, and what the record tells of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from rebalancer.errors import InputError
from rebalancer.execute import SLEEPY, UNUSED, Clock, HostNote, HostStage, HostSwitch, PowerRecord
from rebalancer.execute.power.switch import guests_on
from rebalancer.face.maintenance import service_of
from rebalancer.face.model import Model
from rebalancer.inventory import Host, Uuid
from rebalancer.plan import Plan
from rebalancer.policy import Mode, Policy
from rebalancer.units import first_few, moment_in_words
from rebalancer.whatif.sleep import kept_awake
from rebalancer.whatif.supply import Supply, hours_from, in_service, largest_first, smallest_first
from rebalancer.xapi import LivePair, LivePool
from rebalancer.xapi.power.host_power import POWER_ON, SHUTDOWN, assert_words
from rebalancer.xapi.power.service import DISABLE

GOING: Final = (HostStage.STOPPING, HostStage.ASLEEP, HostStage.STARTING)
"""Stages of hosts that are disabled or off, unless somebody has decided otherwise."""
SHOWN: Final = 3
"""Guests that are named before the rest is counted."""
TO_SLEEP: Final = (DISABLE, SHUTDOWN, POWER_ON)
"""The words of `execution.power` that putting hosts to sleep takes, waking them included."""
TO_WAKE: Final = (DISABLE, POWER_ON)
"""Those that waking them takes: `disable` covers `host.enable`."""


def assert_may_sleep(policy: Policy) -> None:
    """Pass where *policy* allows to switch hosts off, and plans to empty some.

    Raises:
        InputError: it does not.
    """
    assert_words(policy.execution.power, TO_SLEEP)
    if policy.mode is not Mode.CONSOLIDATE:
        remedy = 'Name a policy with mode = "consolidate"'
        raise InputError("mode", f"a plan for mode {policy.mode.value!r} empties no hosts", remedy)


def assert_may_wake(policy: Policy) -> None:
    """Pass where *policy* allows to switch hosts on.

    Raises:
        InputError: it does not.
    """
    assert_words(policy.execution.power, TO_WAKE)


def switch_of(
    live: LivePool | LivePair, record: PowerRecord, policy: Policy, state_dir: Path | None, clock: Clock
) -> HostSwitch:
    """The way to switch hosts off and on, while nobody writes to the pool; the caller holds its lock file.

    Raises:
        InputError: *policy* does not permit it.
        PoolLocked: another run writes to the pool, on whatever machine.
        XapiError: the pool cannot be reached.
    """
    allowed = policy.execution.power
    service = service_of(live, record.pool, allowed, state_dir)
    if not isinstance(live, LivePool):
        raise InputError("--beside", "hosts of one pool sleep", "Leave it out")
    return HostSwitch(
        live=live,
        service=service,
        power=live.host_power(allowed),
        record=record,
        clock=clock,
        boot_seconds=60 * policy.sleep.boot_minutes,
    )


def emptied_by(plan: Plan) -> tuple[Uuid, ...]:
    """The hosts that have VMs before *plan* and none after it, in the order of the plan."""
    return tuple(row.uuid for row in plan.hosts if row.before.vms and not row.after.vms)


def any_can_be_woken(live: LivePool | LivePair, hosts: Collection[Uuid], policy: Policy) -> bool:
    """Whether XAPI could switch on one of *hosts*, by its record now, so that it is worth emptying them."""
    return isinstance(live, LivePool) and any(map(live.host_power(policy.execution.power).mode, hosts))


def stays_awake(model: Model, host: Host, now: datetime, woken_at: datetime | None) -> str:
    """Why *host*, which is empty, is not put to sleep *now*; "" where it may be.

    Args:
        model: the pool as it is, with metrics.
        host: one of its hosts.
        now: the moment, with a zone.
        woken_at: when it was last woken.
    """
    wanted, zone = model.policy.sleep, model.policy.timezone
    rested = woken_at + timedelta(hours=wanted.rest_hours) if woken_at else now
    if rested > now:
        return f"it was woken at {moment_in_words(woken_at or now, zone)}, and stays on for {wanted.rest_hours:g} h"
    return kept_awake(model.problem, host, now)


def needed_of(model: Model, sleepers: Collection[Host], on: Collection[Uuid], now: datetime) -> tuple[Host, ...]:
    """Those of *sleepers* that the next hours need beside hosts *on*, largest first; all where there are no metrics."""
    ranked = sorted(sleepers, key=largest_first)
    if model.state.demand is None:
        return tuple(ranked)
    supply, wanted = Supply.of(model.problem), model.policy.sleep
    length, zone = timedelta(minutes=wanted.lead_minutes), model.state.demand.timezone
    for count in range(len(ranked)):
        short = supply.short({*on, *(host.uuid for host in ranked[:count])}, wanted.margin_hosts)
        if not any(hours_from(short, now, length, zone)):
            return tuple(ranked[:count])
    return tuple(ranked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The hosts of a record that might go to sleep now: the first that may, if any, and why others stay on, by name."""

    first: Host | None
    stay: Mapping[str, str]

    @classmethod
    def of(cls, model: Model, switch: HostSwitch) -> Self:
        """Those in the pool of *model* as it is; what somebody else did to hosts of the record is written down."""
        stay: dict[str, str] = {}
        for uuid in woken_meanwhile(model, switch.record):
            switch.note(uuid, HostStage.AWAKE, words="it is up")
        for host in _sleepy(model, switch):
            note = switch.record.latest()[host.uuid]
            why = _why_not(host, model, switch)
            if not why:
                return cls(first=host, stay=stay)
            if note.stage not in UNUSED:
                switch.release(host.uuid, why, HostStage.EMPTIED)
            stay[host.name] = why
        return cls(first=None, stay=stay | _not_ours(model, switch))


def _not_ours(model: Model, switch: HostSwitch) -> dict[str, str]:
    """The hosts that are on and empty, and not by a plan of the record."""
    pool, ours = model.state.pool, switch.record.at(SLEEPY)
    others = in_service(pool) - {*ours, *pool.coordinators}
    names = sorted(pool.hosts[host].name for host in others if not guests_on(host, pool))
    return dict.fromkeys(names, "it was not emptied by `sleep --execute` from this state folder")


def _sleepy(model: Model, switch: HostSwitch) -> list[Host]:
    """The hosts of the record that are on and empty: those that are on their way down, then the smallest first."""
    notes, hosts = switch.record.latest(), model.state.pool.hosts
    there = [uuid for uuid, note in notes.items() if note.stage in SLEEPY and not _is_gone(uuid, note, model, switch)]
    return sorted(
        (hosts[uuid] for uuid in there), key=lambda host: (notes[host.uuid].stage in UNUSED, smallest_first(host))
    )


def woken_meanwhile(model: Model, record: PowerRecord) -> tuple[Uuid, ...]:
    """The hosts of *record* that slept, or were about to, and are back in service, whoever switched them on."""
    on = in_service(model.state.pool)
    return tuple(uuid for uuid in record.at(GOING) if uuid in on)


def _why_not(host: Host, model: Model, switch: HostSwitch) -> str:
    """Why *host*, which is on and empty, is not put to sleep; "" where it may be."""
    why = stays_awake(model, host, switch.clock.now(), switch.record.woken_at(host.uuid))
    return why or ("" if switch.power.mode(host.uuid) else "it has no power_on_mode, so nobody could wake it")


def _is_gone(uuid: Uuid, note: HostNote, model: Model, switch: HostSwitch) -> bool:
    """Whether a host of the record is not to be put to sleep any more, because of what somebody did; noted then."""
    pool = model.state.pool
    host, guests = pool.hosts.get(uuid), guests_on(uuid, pool)
    if host is None:
        switch.note(uuid, HostStage.FREE, words="it left the pool")
    elif not host.live and note.stage is HostStage.STOPPING:
        switch.note(uuid, HostStage.ASLEEP, srs=note.srs)
    elif not host.live:
        switch.note(uuid, HostStage.FREE, words="somebody else switched it off")
    elif guests:
        switch.release(uuid, f"{first_few(guests, SHOWN)} came meanwhile")
    elif not host.enabled and note.stage in UNUSED:
        switch.note(uuid, HostStage.FREE, words="somebody else disabled it")
    else:
        return False
    return True
