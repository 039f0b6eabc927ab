"""What came of rehearsing a plan, for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rich.console import RenderableType

from rebalancer.cli.exits import Exit, exit_code
from rebalancer.cli.output import heading, plain
from rebalancer.cli.table import table
from rebalancer.execute import Ending
from rebalancer.rehearse import ByFault, Rehearsal, RunEnd, Take
from rebalancer.units import counted, duration_in_words, interval_in_words


def rehearsal_tables(found: Rehearsal) -> Iterator[RenderableType]:
    """How long, how runs end, what each fault leaves, and which steps are in trouble."""
    yield heading(_sentence(found))
    yield plain(_times(found))
    yield table(
        "How the runs end",
        {"exit code": "right", "runs": "right", "ending": "left", "for example": "text"},
        _endings(found),
    )
    if found.by_fault:
        columns = {"fault": "left", "runs": "right", "complete": "right", "VMs left": "text", "resume": "right"}
        yield table("What faults leave behind", columns | {"rollback": "right"}, map(_fault_row, found.by_fault))
    if found.troubles:
        names = {step.id: step for step in found.plan.steps}
        rows = [
            (step, names[step].vm_name, names[step].source_name, names[step].target_name, count)
            for step, count in found.troubles
        ]
        columns = {"step": "left", "VM": "name", "from": "name", "to": "name", "runs": "right"}
        yield table("Steps that did not end well", columns, rows)
    if found.missed:
        yield plain(f"In {counted(found.missed, 'run')} the fault had no occasion to strike.")


def rehearsal_document(found: Rehearsal) -> dict[str, Any]:
    """The same as a JSON document, with a row a run."""
    schedule = found.plan.schedule
    return {
        "plan": found.plan.digest,
        "seed": found.seed,
        "runs": len(found.takes),
        "expected": {"seconds": schedule.seconds, "low": schedule.seconds_low, "high": schedule.seconds_high},
        "makespan": asdict(found.spread) if found.spread else None,
        "endings": dict(found.endings),
        "exit_codes": {str(int(code)): count for code, count in sorted(_codes(found).items())},
        "by_fault": [asdict(each) | {"endings": dict(each.endings), "vms": dict(each.vms)} for each in found.by_fault],
        "troubles": dict(found.troubles),
        "missed": found.missed,
        "takes": [_take(each) for each in found.takes],
    }


def code_of(ended: RunEnd) -> Exit:
    """The exit code with which `apply` would end."""
    if ended.error is not None:
        return exit_code(ended.error)
    later = {Ending.COMPLETE, Ending.DEADLINE}
    return Exit.DONE if ended.result is not None and ended.result.ending in later else Exit.LATER


def _sentence(found: Rehearsal) -> str:
    whole = sum(take.first.complete for take in found.takes)
    plan = f"{counted(len(found.plan.steps), 'migration')} on pool {found.plan.made_from.called}"
    return f"{plan}: {whole} of {counted(len(found.takes), 'run')} made every step (seed {found.seed})."


def _times(found: Rehearsal) -> str:
    schedule = found.plan.schedule
    expected = interval_in_words(schedule.seconds_low, schedule.seconds, schedule.seconds_high)
    if found.spread is None:
        return f"The plan expects {expected}; no run made every step."
    spread = found.spread
    least, middle, tenth, most = (
        duration_in_words(each) for each in (spread.least, spread.median, spread.most_of, spread.most)
    )
    return (
        f"The plan expects {expected}; they took {least} to {most}, half of them {middle} or less, nine of ten {tenth}."
    )


def _codes(found: Rehearsal) -> Mapping[Exit, int]:
    return Counter(code_of(take.first) for take in found.takes)


def _endings(found: Rehearsal) -> Iterator[tuple[object, ...]]:
    for name, count in found.endings:
        takes = [take for take in found.takes if take.first.name == name]
        example = "" if takes[0].first.complete else takes[0].first.words
        yield int(code_of(takes[0].first)), count, name, example


def _fault_row(row: ByFault) -> tuple[object, ...]:
    stopped = row.runs - row.complete
    left = [f"{count} {where}" for where, count in row.vms]
    left += [f"{row.lost} off in all"] if row.lost else []
    left += [f"{row.unknown} unknown"] if row.unknown else []
    ways = (f"{count} of {stopped}" if stopped else "" for count in (row.resumed, row.taken_back))
    return row.kind, row.runs, row.complete, ", ".join(left), *ways


def _take(take: Take) -> dict[str, Any]:
    return {
        "number": take.number,
        "fault": str(take.fault) if take.fault else None,
        "struck": take.struck,
        "ending": take.first.name,
        "exit_code": int(code_of(take.first)),
        "seconds": round(take.first.seconds, 1),
        "words": take.first.words,
        "vms": {vm: where.value for vm, where in take.vms.items()},
        "lost": take.lost,
        "unknown": take.unknown,
        "trouble": take.trouble,
        "resumed": take.resumed.name if take.resumed else None,
        "rollback": _back(take),
    }


def _back(take: Take) -> dict[str, Any] | None:
    if take.back is None:
        return None
    return {
        "steps": take.back.steps,
        "stay": take.back.stay,
        "error": str(take.back.error) if take.back.error else None,
    }
