"""Hosts that are to be emptied or could sleep, as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import RenderableType

from rebalancer.cli.exits import Exit
from rebalancer.cli.log import LogPriority
from rebalancer.cli.output import end_of, heading, print_json, say, show
from rebalancer.cli.table import table
from rebalancer.cli.views.plans import plan_tables, steps_table
from rebalancer.units import counted, slot_in_words
from rebalancer.whatif.rolling_folder import (
    ASIDE_COLUMNS,
    DEVIATION_COLUMNS,
    SHUT_DOWN_COLUMNS,
    aside_rows,
    deviation_rows,
    downtime_of,
    load_rows_of,
    loads_in_words,
    shut_down_rows,
    stage_rows,
    summary_of,
)
from rebalancer.whatif.stage_loads import LOAD_COLUMNS

if TYPE_CHECKING:
    from rebalancer.errors import Fix
    from rebalancer.plan import Plan
    from rebalancer.rules import Blocked
    from rebalancer.whatif import Evacuation, Rolling, Sleep


def evacuation_tables(found: Evacuation) -> Iterator[RenderableType]:
    """Who cannot leave; then the plan and the way home, where there is a plan."""
    yield heading(_sentence(found))
    if found.blocked:
        yield _blocked_table(found.blocked)
    if found.fixes:
        yield _fixes_table(found.fixes)
    if found.plan:
        yield from plan_tables(found.plan)
    if worst := found.worst_hour:
        hosts = ", ".join(found.hosts)
        yield heading(f"Busiest host-hour without {hosts}: {worst.words}.")
    if found.home:
        yield from _home(found.home)


def rolling_tables(found: Rolling) -> Iterator[RenderableType]:
    """Who cannot leave; or the stages, and who ends elsewhere."""
    yield heading(f"Hosts, one after another: {', '.join(found.hosts)}")
    if found.set_aside:
        columns = dict.fromkeys(ASIDE_COLUMNS, "text") | {"host": "name"}
        yield table("Cannot be emptied", columns, aside_rows(found))
    if found.blocked:
        yield _blocked_table(found.blocked)
    for each in found.fixes:
        yield _fixes_table(each.ways, each.host_name)
    if found.refused:
        return
    yield heading(summary_of(found))
    yield table(
        "Stages, in order",
        {"folder": "name", "what it does": "text", "steps": "right", "to copy": "right"},
        stage_rows(found),
    )
    if loads := load_rows_of(found):
        columns = dict.fromkeys(LOAD_COLUMNS, "left") | {"folder": "name", "busiest host": "name", "CPU": "right"}
        yield table("Load while it lasts", columns, loads)
        yield heading(loads_in_words(found))
    if rows := shut_down_rows(found):
        yield table("Shut down meanwhile", dict.fromkeys(SHUT_DOWN_COLUMNS, "name"), rows)
        yield heading(downtime_of(found))
    if found.deviations:
        columns = dict.fromkeys(DEVIATION_COLUMNS, "name") | {"why": "text"}
        yield table("Ends elsewhere", columns, deviation_rows(found))


def outcome(found: Evacuation | Rolling, tables: Iterator[RenderableType], *, json: bool) -> Exit:
    """The exit code of a command that prints *found*, whose *tables* name the VMs that are blocked.

    Raises:
        RebalancerError: it is refused for something that no table tells.
    """
    if json:
        print_json(found.as_json())
        return end_of(found.refused) if found.refused else _left_of(found)
    show(*tables)
    if found.refused and not found.blocked:
        raise found.refused
    if not found.refused:
        return _left_of(found)
    who = counted(len(found.blocked), "VM cannot leave its host", "VMs cannot leave their hosts")
    return end_of(found.refused, f"nothing is planned: {who}, and the table says what would let them")


def _left_of(found: Evacuation | Rolling) -> Exit:
    """The exit code where there are plans: hosts may be left that cannot be emptied."""
    aside = getattr(found, "set_aside", ())
    if not aside:
        return Exit.DONE
    names = ", ".join(each.host_name for each in aside)
    say(f"rebalancer: not planned: {names}; the other hosts are", LogPriority.WARNING)
    return Exit.INCOMPLETE


def _blocked_table(blocked: Sequence[Blocked]) -> RenderableType:
    return table(
        "Cannot leave, whatever else moves",
        {"VM": "name", "on": "name", "rule": "left", "fix": "text", "why": "text"},
        [(each.vm_name, each.host_name, each.rule, each.fix, _why(each)) for each in blocked],
    )


def _fixes_table(ways: Sequence[Fix], host: str = "") -> RenderableType:
    title = f"What would let all leave{' ' if host else ''}{host}"
    return table(
        f"{title}, the cheapest first" if ways[0].proved else title,
        {"give up": "text", "moves": "right", "to copy": "right"},
        [(" and ".join(each.words for each in way.concessions), way.moves, f"{way.gib:.1f} GiB") for way in ways],
    )


def _sentence(found: Evacuation) -> str:
    hosts = ", ".join(found.hosts)
    stuck = len(found.blocked)
    if not stuck:
        return f"To empty {hosts}: {counted(found.guests, 'VM')} to leave, and nothing holds any of them."
    return f"To empty {hosts}: {counted(found.guests, 'VM')} to leave, of which {stuck} cannot."


def _why(blocked: Blocked) -> str:
    """What every other host has against the VM; hosts that say the same are named together."""
    alike: dict[str, list[str]] = {}
    for each in blocked.closed:
        said = "; ".join(f"{objection.words} [{objection.code or objection.rule}]" for objection in each.objections)
        alike.setdefault(said, []).append(each.name)
    if len(alike) == 1:
        return next(iter(alike))
    return (
        ". ".join(f"{', '.join(names)}: {said}" for said, names in alike.items()) or "there is no other host to go to"
    )


def _home(home: Plan) -> Iterator[RenderableType]:
    if home.steps:
        yield steps_table("The way home, a plan of its own", home.steps)
    else:
        yield heading(f"The way home. {home.summary}")
    if home.warnings:
        yield table("", {"Warnings of the way home": "text"}, [(each,) for each in home.warnings])


def sleep_tables(found: Sleep) -> Iterator[RenderableType]:
    """The hosts without VMs; then the hours, where they are known."""
    asleep = [each.name for each in found.hosts if each.can_sleep]
    can = f"{', '.join(asleep)} can sleep, together" if asleep else "none of those without VMs can sleep"
    off = f" Off: {', '.join(found.off)}." if found.off else ""
    yield heading(f"{counted(found.in_use, 'host')} in use; {can if found.hosts else 'no other host is awake'}.{off}")
    if found.hosts:
        yield table(
            "Hosts without VMs",
            {"host": "name", "can sleep": "left", "kept awake by": "left", "why": "text"},
            [(each.name, "yes" if each.can_sleep else "no", each.rule, each.words) for each in found.hosts],
        )
    if found.needed:
        margin = f", {found.margin_hosts} of them the margin" if found.margin_hosts else ""
        yield table(
            f"Hosts that have to be on{margin}: by memory, and by CPU below the threshold",
            {f"from ({found.timezone})": "left", "hosts": "right", "fewer than in use": "right"},
            [
                (slot_in_words(slots[0], len(found.needed)), most, max(0, found.in_use - most))
                for most, slots in _runs(found.needed)
            ],
        )


def _runs(needed: tuple[int, ...]) -> Iterator[tuple[int, list[int]]]:
    for least, slots in groupby(range(len(needed)), key=lambda slot: needed[slot]):
        yield least, list(slots)
