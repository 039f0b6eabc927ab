"""What of a pool may not change while a run lasts, however legal the rest is: HA, its coordinator, its hosts.

Whoever changes one of these works on the pool, or something broke. What is left of a plan was reviewed for another
pool than this has become, so that it waits until somebody starts it again.
"""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer.inventory import Host, Names, Pool, Uuid


def pool_changes(before: Pool, now: Pool) -> tuple[str, ...]:
    """How *now* differs in these from *before*, the same pool or pools earlier, a sentence each."""
    members = {member.uuid: member for member in now.members}
    return tuple(words for was in before.members for words in _changes(was, members[was.uuid]))


def _changes(before: Pool, now: Pool) -> Iterator[str]:
    yield from _high_availability(before, now)
    if before.coordinator != now.coordinator:
        named = Names(now).hosts
        yield f"host {named.get(now.coordinator, now.coordinator)} has become the coordinator of pool {now.called}"
    yield from _hosts(before, now)


def _high_availability(before: Pool, now: Pool) -> Iterator[str]:
    was, is_now = before.ha, now.ha
    if was.enabled != is_now.enabled:
        yield f"HA of pool {now.called} was switched {'on' if is_now.enabled else 'off'}"
    elif was.host_failures_to_tolerate != is_now.host_failures_to_tolerate:
        failures = f"{is_now.host_failures_to_tolerate} instead of {was.host_failures_to_tolerate}"
        yield f"HA of pool {now.called} is to tolerate {failures} host failures"


def _hosts(before: Pool, now: Pool) -> Iterator[str]:
    names = {**Names(before).hosts, **Names(now).hosts}
    for uuid in sorted({*before.hosts, *now.hosts}, key=lambda uuid: (names[uuid], uuid)):
        was, is_now = _state(before, uuid), _state(now, uuid)
        if was != is_now:
            yield f"host {names[uuid]} {BECAME[is_now] if was else 'is new'}"


BECAME = {
    "": "is gone",
    "disabled": "is disabled",
    "enabled": "takes part again",
    "not live": "is not live any more",
}
"""What is said of a host that was in the pool, by what it is now; `drift` says it in the same words."""


def _state(pool: Pool, uuid: Uuid) -> str:
    """Whether a host takes part; "" for one that is not there."""
    host = pool.hosts.get(uuid)
    return _takes_part(host) if host else ""


def _takes_part(host: Host) -> str:
    if host.live is False:
        return "not live"
    return "enabled" if host.enabled else "disabled"
