"""What is drawn for the settings of faults: from a seeded `Random`, in the pool that they are to happen in."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final

from rebalancer.simulator.state.fault import Draw, Words
from rebalancer.simulator.state.pool import Records

SELDOM: Final = 0.2
CALLS: Final = (
    "Async.VM.pool_migrate",
    "VM.get_record",
    "VM.get_all_records",
    "VM.assert_can_boot_here",
    "task.get_record",
    "event.from",
)
"""Calls that whoever carries out a plan makes; the first one changes the pool."""


def between(least: float, most: float) -> Draw:
    """A number between two."""
    return lambda random, _records: round(random.uniform(least, most), 2)


def one_of(values: Sequence[str]) -> Draw:
    """One of some texts."""
    return lambda random, _records: random.choice(values)


def a_guest(random: Random, records: Records) -> str:
    """The uuid of a running guest."""
    return random.choice(running(records))


def a_halted_guest(random: Random, records: Records) -> str:
    """The uuid of a guest that is off; empty where there is none."""
    off = sorted(
        str(each["uuid"]) for each in records["VM"].values() if each["power_state"] == "Halted" and _is_guest(each)
    )
    return random.choice(off) if off else ""


def a_host(random: Random, records: Records) -> str:
    """The uuid of a host."""
    return random.choice(sorted(str(each["uuid"]) for each in records["host"].values()))


def running(records: Records) -> list[str]:
    """The uuids of running guests, sorted."""
    return sorted(
        each["uuid"] for each in records["VM"].values() if each["power_state"] == "Running" and _is_guest(each)
    )


def some_move(random: Random, records: Records) -> Words:
    """The migration of one VM, or the k-th of all."""
    if random.random() < SELDOM:
        return {"vm": random.choice(running(records))}
    return {"skip": random.randrange(6)}


def some_call(random: Random, _records: Records) -> Words:
    """Some call, or all for a while."""
    skipped = {"skip": random.randrange(40)}
    if random.random() < SELDOM:
        return skipped | {"lasts": round(random.uniform(1.0, 60.0), 1)}
    return skipped | {"method": random.choice(CALLS)}


def some_read(random: Random, _records: Records) -> Words:
    """Some call that changes nothing."""
    return {"skip": random.randrange(20), "method": random.choice(CALLS[1:])}


def a_while(random: Random, _records: Records) -> Words:
    """From some call on, for a while."""
    return {"skip": random.randrange(100), "lasts": round(random.uniform(0.5, 90.0), 1)}


def some_moment(random: Random, records: Records) -> Words:
    """On the way of a migration, after one, when a call arrives, or some time from now."""
    match random.randrange(4):
        case 0:
            return {"at": round(random.uniform(0.0, 1.0), 2)} | some_move(random, records)
        case 1:
            return some_move(random, records)
        case 2:
            return {"method": random.choice(CALLS), "skip": random.randrange(10)}
        case _:
            return {"after": round(random.uniform(0.1, 120.0), 1)}


def _is_guest(record: dict[str, object]) -> bool:
    return not (record["is_control_domain"] or record["is_a_template"] or record["is_a_snapshot"])
