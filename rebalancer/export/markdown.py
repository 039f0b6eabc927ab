"""plan.md: the plan for people who review it. Names from the pool cannot become markup."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from rebalancer.export.markdown_table import FOLDED, folded, long_table, markdown_text, paragraph_text, table
from rebalancer.export.overview import (
    HOST_COLUMNS,
    REASON_COLUMNS,
    RISK_COLUMNS,
    host_rows,
    reason_rows,
    risk_rows,
)
from rebalancer.export.rows import (
    DISK_COLUMNS,
    HELD_COLUMNS,
    NETWORK_COLUMNS,
    RESOURCE_COLUMNS,
    STEP_COLUMNS,
    conditions,
    disk_rows,
    held_rows,
    memory_total,
    missing_rows,
    network_rows,
    resource_rows,
    squeezed_in_words,
    sr_rows,
    step_rows,
    what_is_missing,
)
from rebalancer.export.timetable import TIMES, remarks, rows
from rebalancer.plan import HostRow, HostState, LeftAlone, Metrics, Plan, Step, TierResult
from rebalancer.plan.conditions import gap_in_words
from rebalancer.sanitise import one_line
from rebalancer.slots import Slots
from rebalancer.units import counted, first_few, moment_in_words, size_in_words

SR_COLUMNS = ("SR", "disks that come>", "in full>", "disks that leave>", "in full>")
SHOWN = 6
"""How many names a cell lists."""


def plan_markdown(plan: Plan) -> str:
    """*plan* as a page in GitHub's Markdown.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> rb.export.plan_markdown(plan).splitlines()[0]
        '# Plan for pool simulated'
    """
    sections = {
        f"# Plan for pool {markdown_text(plan.made_from.called)}": _head(plan),
        "## Summary": _overview(plan),
        "## Warnings": _listed(plan.warnings),
        "## Objectives": _tiers(plan),
        "## Steps": _steps(plan.steps, plan.hosts),
        "## Timetable": _timetable(plan),
        "## Missing": _missing(plan),
        "## Hosts, before and after": _hosts(plan),
        "## Resources beside CPU": table(RESOURCE_COLUMNS, found) if (found := resource_rows(plan.hosts)) else (),
        "## SRs that disks come to or leave": table(SR_COLUMNS, sr_rows(plan.srs)) if plan.srs else (),
        "## Held as they are": table(HELD_COLUMNS, held_rows(plan.held)) if plan.held else (),
        "## Left alone": _left_alone(plan.left_alone),
        "## Broken before the plan": _old_violations(plan),
        "## The way back": _way_back(plan),
        "## To check it and to carry it out": _how_to(plan),
        "## Made from": table(("what", "value"), facts(plan)),
    }
    return "\n\n".join("\n".join((title, "", *lines)) for title, of in sections.items() if (lines := list(of))) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    yield paragraph_text(plan.summary)
    yield ""
    times = f"made {_minute(plan.made_at, plan)}, expires {_minute(plan.expires_at, plan)}"
    yield f"Plan `{one_line(plan.digest)}`, {times}."


def _minute(moment: datetime, plan: Plan) -> str:
    return markdown_text(moment_in_words(moment, plan.policy.timezone))


def _overview(plan: Plan) -> Iterator[str]:
    """What people ask first, in three small tables: why, where, and what could go wrong."""
    tables = (
        (REASON_COLUMNS, reason_rows(plan)),
        (HOST_COLUMNS, host_rows(plan)),
        (RISK_COLUMNS, risk_rows(plan)),
    )
    shown = ["\n".join(table(columns, found)) for columns, found in tables if found]
    yield from "\n\n".join(shown).splitlines()


def facts(plan: Plan) -> Iterator[tuple[str, str]]:
    """What the plan is bound to: what it is called and what it is, one pair each."""
    source, metrics = plan.made_from, plan.made_from.metrics
    zone = plan.policy.timezone
    yield "made", moment_in_words(plan.made_at, zone)
    yield "expires", moment_in_words(plan.expires_at, zone)
    yield "pool", " + ".join(source.pool_names)
    yield "policy", f"{source.policy.name}, mode {source.policy.mode.value}, rule set {source.policy.rules.set.value}"
    yield "metrics", _metrics(metrics, zone) if metrics else "none"
    yield "outcome", ": ".join(filter(None, (plan.outcome, plan.reason)))
    yield "made by", ", ".join(f"{name} {version}" for name, version in sorted(source.versions.items()))
    if source.part_of:
        yield "part of", source.part_of
    if source.undoes:
        yield "takes back", source.undoes
    yield "digest", plan.digest


def _metrics(metrics: Metrics, zone: str) -> str:
    span = " to ".join(moment_in_words(each, zone) for each in (metrics.window_start, metrics.window_end))
    return (
        f"{span}, {_slots(metrics)}; "
        f"{counted(metrics.measured, 'VM')} measured, {metrics.short} "
        f"younger than the window, {metrics.unknown} unknown; from {metrics.source}"
    )


def _slots(metrics: Metrics) -> str:
    if metrics.percentile is None:
        alike = len({day.weight for day in metrics.days}) == 1
        return f"the mean of {counted(len(metrics.days), 'day')} as recorded{'' if alike else ', the last ones more'}"
    return f"percentile {metrics.percentile:g} in each of {metrics.slots} slots ({metrics.timezone})"


def _tiers(plan: Plan) -> Iterator[str]:
    if not plan.tiers:
        return
    by = f" (from {markdown_text(plan.bound_by)})" if plan.bound_by else ""
    yield f"In the order in which they count; less is better. No placement that the rules allow is below the bound{by}."
    yield ""
    lines = list(_listed(conditions(plan)))
    yield from (*lines, "") if lines else ()
    columns = ("objective", "before>", "after>", "bound>", "gap>", "unit", "proved best", "what it is")
    yield from table(columns, (_tier(tier, plan) for tier in plan.tiers))


def _tier(tier: TierResult, plan: Plan) -> tuple[str, ...]:
    figures = (f"{value:.4g}" for value in (tier.before, tier.after, tier.bound))
    return (
        tier.objective,
        *figures,
        gap_in_words(tier, plan),
        tier.unit,
        "yes" if tier.proved else "no",
        tier.sentence,
    )


def _steps(steps: Sequence[Step], hosts: Sequence[HostRow]) -> Iterator[str]:
    if not steps:
        yield "None."
        return
    yield from long_table("steps", STEP_COLUMNS, step_rows(steps, hosts))
    for words in squeezed_in_words(steps):
        yield from ("", markdown_text(words))
    with_size = (*DISK_COLUMNS[:-1], "size>")
    yield from _below("Disks that go along, to another SR (Storage XenMotion):", with_size, disk_rows(steps))
    over = "VMs that go to another pool, and the networks that their interfaces come to there:"
    yield from _below(over, NETWORK_COLUMNS, network_rows(steps))


def _below(words: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    if rows:
        yield from ("", words, "")
        yield from long_table("rows", columns, rows)


def _missing(plan: Plan) -> Iterator[str]:
    if plan.missing:
        yield f"{what_is_missing(plan).capitalize()}; it is legal without them."
        yield ""
        yield from long_table("moves", ("VM", "to", "rule", "why not"), missing_rows(plan))


def _timetable(plan: Plan) -> Iterator[str]:
    if not plan.steps:
        return
    yield "Minutes and seconds after the first step begins. Each step is launched as soon as what it waits for is done"
    yield "and the limits allow it."
    yield ""
    yield from _listed(remarks(plan))
    yield ""
    lines = ["```text", *_columns((TIMES, *rows(plan))), "```"]
    yield from folded(counted(len(plan.steps), "step"), lines) if len(plan.steps) > FOLDED else lines


def _columns(lines: Sequence[Sequence[str]]) -> Iterator[str]:
    cells = [[one_line(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _hosts(plan: Plan) -> Iterator[str]:
    yield "The peak of the memory is the most that a host comes to hold in any order that the steps allow."
    yield ""
    told = f" ({when})" if (when := zone_of_peaks(plan)) else ""
    peaks = (f"CPU peak{told}>", f"CPU peak after{told}>")
    columns = ("host", "VMs>", "VMs after>", "memory>", "memory after>", "peak>", "of>", *peaks)
    yield from long_table("hosts", columns, (_host(row, plan.when) for row in plan.hosts))


def _host(row: HostRow, when: Slots) -> tuple[object, ...]:
    sizes = (row.before.memory_used_bytes, row.after.memory_used_bytes, row.memory_peak_bytes)
    peaks = (peak_in_words(state, when) for state in (row.before, row.after))
    memory = (*map(size_in_words, sizes), memory_total(row.memory_total_bytes))
    return (row.name, len(row.before.vms), len(row.after.vms), *memory, *peaks)


def zone_of_peaks(plan: Plan) -> str:
    """The time zone of the hours that `peak_in_words` tells; "" where it tells none."""
    return plan.when.timezone if any(row.before.peak_slot is not None for row in plan.hosts) else ""


def peak_in_words(state: HostState, when: Slots) -> str:
    """The highest load of a host, and which of the slots of *when* it is in, in their time zone."""
    if state.peak_share is None or state.peak_slot is None:
        return "-"
    return f"{state.peak_share:.0%} at {when.short_words(state.peak_slot)}"


def _listed(sentences: Iterable[str]) -> Iterator[str]:
    return (f"- {paragraph_text(each)}" for each in sentences)


def _left_alone(left: Sequence[LeftAlone]) -> Iterator[str]:
    """Hosts that stay too hot, then the VMs on them by rule."""
    if not left:
        return
    yield from _listed(f"host {each.name} {each.words}" for each in left if each.kind == "host")
    by_words: dict[tuple[str, str, str], list[str]] = {}
    for each in left:
        if each.kind != "host":
            by_words.setdefault((each.rule, each.words, each.fix or "-"), []).append(each.name)
    rows = (
        (rule, words, fix, len(names), first_few(names, SHOWN))
        for (rule, words, fix), names in sorted(by_words.items())
    )
    if by_words:
        yield ""
        yield from long_table("reasons", ("rule", "why", "fix", "VMs>", "which"), rows)


def _old_violations(plan: Plan) -> Iterator[str]:
    old = plan.old_violations
    rows = ((each.rule, each.words, "yes" if each.mended else "no", each.why_not or "-") for each in old)
    return long_table("violations", ("rule", "what", "repaired", "why not"), rows) if old else iter(())


def _way_back(plan: Plan) -> Iterator[str]:
    if not plan.steps:
        return
    yield from _steps(plan.rollback, plan.hosts)
    if plan.no_way_back:
        yield ""
        stay = ((each.name, each.rule, each.words) for each in plan.no_way_back)
        yield from table(("VM that stays where the plan brought it", "rule", "why"), stay)


def _how_to(plan: Plan) -> Iterator[str]:
    beside = "".join(" --beside OTHER" for _ in plan.made_from.beside)
    yield "Against the pool as it is now, with this folder as `PLAN` and the coordinator's address as `URL`:"
    yield ""
    yield f"    rebalancer verify PLAN URL{beside}"
    if plan.steps:
        yield f"    rebalancer apply PLAN URL{beside}"
    if beside:
        yield ""
        yield "`OTHER` is the address of the other pool's coordinator."
    elif plan.steps:
        yield ""
        yield "Where nothing may be installed, `sh run.sh` makes the same steps with `xe`, one by one; begun again,"
        yield "it passes over what is done. `sh run.sh back` takes back what was moved; `--dry-run` only shows it."
