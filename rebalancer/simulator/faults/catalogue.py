"""All kinds of faults: the one place that names them, and faults as text and by chance."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from random import Random
from types import MappingProxyType
from typing import Final

from rebalancer.simulator.faults import answers, boots, calls, guests, metrics, moves, pool
from rebalancer.simulator.state.fault import Fault, FaultKind, fault_of
from rebalancer.simulator.state.pool import Records

FAULTS: Final[Mapping[str, FaultKind]] = MappingProxyType(
    {kind.name: kind for room in (moves, guests, pool, boots, calls, answers, metrics) for kind in room.KINDS}
)
"""{name: kind} of everything that a simulated pool can be made to do."""

DRAWN: Final = tuple(name for name, kind in FAULTS.items() if kind.trigger is not None)
"""The kinds that matter to a plan that is carried out."""


def parse(text: str, records: Records | None = None) -> Fault:
    """The fault that `NAME[:KEY=VALUE[,KEY=VALUE…]]` is; VMs and hosts go by name or uuid where there are *records*.

    `move-fails:web-001` is short for `move-fails:vm=web-001`.

    Example:
        >>> import rebalancer as rb
        >>> fault = rb.simulator.parse("move-fails:at=0.9", rb.simulator.demo_pool().records)
        >>> str(fault)
        'move-fails:at=0.9'

    Raises:
        ValueError: there is no such kind, setting, VM or host.
    """
    name, _, rest = text.partition(":")
    assert_known(name)
    first, comma, others = rest.partition(",")
    if records and first and "=" not in first:
        rest = f"vm={first}{comma}{others}"
    pairs = [part.partition("=") for part in rest.split(",") if part]
    if wrong := [key for key, sign, _ in pairs if not sign]:
        raise ValueError(f"{wrong[0]!r} is no setting: settings are KEY=VALUE, with commas between them")
    words = {key: _uuid(key, value, records) if records else value for key, _, value in pairs}
    return fault_of(name, words)


def assert_known(name: str) -> None:
    """Pass where there is such a kind of fault; a `ValueError` where there is none."""
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}")


_CLASSES: Final = {"vm": "VM", "other": "VM", "host": "host", "to": "host"}


def _uuid(key: str, value: str, records: Records | None) -> str:
    """The uuid of what a setting names, where it names an object."""
    if records is None or key not in _CLASSES:
        return value
    rows = records[_CLASSES[key]].values()
    found = sorted({row["uuid"] for row in rows if value in (row["uuid"], row["name_label"])})
    if len(found) != 1:
        how_many = f"{len(found)} objects have" if found else "nothing has"
        raise ValueError(f"{key}={value}: {how_many} that name or uuid in class {_CLASSES[key]} of the pool")
    return str(found[0])


def draw(random: Random, records: Records, kinds: Collection[str] = DRAWN) -> Fault:
    """A fault by chance, of one of *kinds*, in the pool of *records*; the same chance gives the same fault.

    Example:
        >>> from random import Random
        >>> import rebalancer as rb
        >>> pool = rb.simulator.demo_pool()
        >>> str(rb.simulator.draw(Random(1), pool.records, ["move-fails"]))
        'move-fails:at=0.57,code=VM_MIGRATE_FAILED,skip=3'
    """
    kind = FAULTS[random.choice(sorted(kinds))]
    drawn = {name: each.draw(random, records) for name, each in kind.settings.items() if each.draw is not None}
    trigger = kind.trigger(random, records) if kind.trigger is not None else {}
    words = {name: str(value) for name, value in {**drawn, **trigger}.items() if value != ""}
    return fault_of(kind.name, words)
