"""A rolling plan as a folder: a plan folder for each stage, and an index for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from rebalancer.errors import Fix, PlanFileError
from rebalancer.export.folder import fresh_folder, write_plan
from rebalancer.export.manifest import digest_of_bytes
from rebalancer.export.markdown_table import markdown_text, table
from rebalancer.export.planfile import ROLLING_JSON
from rebalancer.files.writing import write_new
from rebalancer.units import counted, duration_in_words, size_in_words
from rebalancer.whatif.itinerary import Purpose, Stage
from rebalancer.whatif.pinned import AT_ONCE, BOOT_SECONDS, SHUTDOWN_SECONDS, START_SECONDS, ShutDown
from rebalancer.whatif.rolling import Rolling
from rebalancer.whatif.stage_loads import LOAD_COLUMNS, load_rows

INDEX, INDEX_JSON = "rolling.md", ROLLING_JSON
FORMAT: Final = "rebalancer-rolling/1"
SHUT_DOWN_COLUMNS = ("host", "VM", "order", "start_delay", "HA", "off for about", "without reaction")
ASIDE_COLUMNS = ("host", "why", "what would let all leave")
DEVIATION_COLUMNS = ("VM", "is now on", "ends on", "why")


def write_rolling(found: Rolling, folder: Path) -> None:
    """Write every stage of *found* to a folder in *folder*, numbered in their order, and the index beside them.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.rolling(model, "alder", seconds=0.1)
        >>> rb.whatif.write_rolling(found, Path("weekend"))
        >>> sorted(path.name for path in Path("weekend").iterdir())
        ['01-empty-alder', '02-return-alder', 'rolling.json', 'rolling.md']

    Raises:
        PlanFileError: *folder* is not empty, or cannot be written.
    """
    assert_empty(folder)
    with fresh_folder(folder) as fresh:
        for name, stage in zip(folder_names(found), found.stages, strict=True):
            write_plan(stage.plan, fresh / name)
        write_new(fresh / INDEX, ("\n".join(_page(found)) + "\n").encode())
        index = {"format": FORMAT, **found.as_json(), "folders": folder_names(found)}
        index["digest"] = index_digest(index)
        write_new(fresh / INDEX_JSON, (json.dumps(index, indent=2) + "\n").encode())
        if folder.exists():
            folder.rmdir()
        fresh.rename(folder)


def index_digest(index: Mapping[str, object]) -> str:
    """SHA-256 of what stands in *index* but its digest: rolling.json that was edited has another one."""
    told = {key: value for key, value in index.items() if key != "digest"}
    return digest_of_bytes(json.dumps(told, sort_keys=True, separators=(",", ":")).encode())


def assert_empty(folder: Path) -> None:
    """Pass if *folder* does not exist, or has nothing in it.

    Raises:
        PlanFileError: it has, or is no folder.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise PlanFileError(str(folder), "there is something already", "Name a new folder")


def folder_names(found: Rolling) -> tuple[str, ...]:
    """The folder of each stage, such as `03-empty-beech`; a name that no folder can have gives way to the uuid."""
    width = max(2, len(str(len(found.stages))))
    return tuple(
        f"{number:0{width}}-{stage.purpose}-{_file_name(stage)}" for number, stage in enumerate(found.stages, start=1)
    )


def _file_name(stage: Stage) -> str:
    plain = all(letter.isalnum() or letter in "-_." for letter in stage.host_name)
    return stage.host_name if stage.host_name and plain else stage.host


def _page(found: Rolling) -> Iterator[str]:
    yield "# Hosts, one after another"
    yield ""
    yield markdown_text(summary_of(found))
    yield ""
    yield from table(("folder", "what it does", "steps>", "to copy>"), stage_rows(found))
    yield ""
    loads, shut_down = load_rows_of(found), shut_down_rows(found)
    yield from _section("Load while it lasts", LOAD_COLUMNS, loads, loads_in_words(found) if loads else "")
    yield from _section("Shut down meanwhile", SHUT_DOWN_COLUMNS, shut_down, downtime_of(found))
    yield from _section("Ends elsewhere", DEVIATION_COLUMNS, deviation_rows(found))
    yield from _section("Not planned", ASIDE_COLUMNS, aside_rows(found))
    yield from _how_to(found)


def _section(heading: str, columns: Sequence[str], rows: Sequence[Sequence[object]], words: str = "") -> Iterator[str]:
    """A table with *words* above it; nothing where it has no rows."""
    if not rows:
        return
    yield from (f"## {heading}", "")
    if words:
        yield from (markdown_text(words), "")
    yield from table(columns, rows)
    yield ""


def summary_of(found: Rolling) -> str:
    """What it comes to, in a few sentences."""
    copied, bound = size_in_words(found.copied_bytes), size_in_words(found.bound_bytes)
    plans = counted(len(found.stages), "plan copies", "plans copy")
    together = " together" if len(found.stages) > 1 else ""
    returns = found.habit.value if found.habit else ""
    home = "All VMs end where they are now." if not found.deviations else "Some VMs end elsewhere, see below."
    away = "" if found.habit and found.habit.leaves_vms_away else f" {home}"
    dead = f" Left out, because not live: {', '.join(found.left_out)}." if found.left_out else ""
    apart = counted(len(found.set_aside), "host cannot be emptied and is", "hosts cannot be emptied and are")
    aside = f" {apart} not planned, see below." if found.set_aside else ""
    return (
        f"{plans} {copied}{together}; no sequence of plans that empties the same hosts and "
        f"brings the same VMs home copies less than {bound}: {found.bound_by}. "
        f"Between them {returns}.{away}{dead}{aside}"
    )


def stage_rows(found: Rolling) -> list[tuple[str, str, int, str]]:
    """One row a stage: its folder, what it does, its steps, and what they copy."""
    named = zip(folder_names(found), found.stages, strict=True)
    return [(name, _does(stage), len(stage.plan.steps), size_in_words(stage.copied_bytes)) for name, stage in named]


def _does(stage: Stage) -> str:
    if stage.purpose is Purpose.EMPTY:
        return f"empties {stage.host_name}"
    return f"brings VMs home once {stage.host_name} is back"


def load_rows_of(found: Rolling) -> list[tuple[str, ...]]:
    """One row a stage of which the load is known, with the cells of `LOAD_COLUMNS`."""
    return list(load_rows(folder_names(found), found.stages))


def loads_in_words(found: Rolling) -> str:
    """What the rows of `load_rows_of` say."""
    zone = found.stages[0].plan.when.timezone
    return (
        "The busiest host-hour of the state that each stage leads to, as a share of the host's CPU; the host that is "
        f"emptied is left out. It is best emptied from the hour ({zone}) on after which the others are least busy "
        f"until VMs are home; {duration_in_words(BOOT_SECONDS)} are assumed for it to go down and come back."
    )


def shut_down_rows(found: Rolling) -> list[tuple[str, ...]]:
    """One row a VM that is shut down while its host is worked on, with the cells of `SHUT_DOWN_COLUMNS`."""
    return [(stage.host_name, *shut_down_cells(each)) for stage in found.stages for each in stage.shut_down]


def shut_down_cells(each: ShutDown) -> tuple[str, ...]:
    """A VM that is shut down: its name, place in the order, delay, what HA does for it, and how long it is off."""
    protection = each.restart_priority or "-"
    delay = duration_in_words(each.start_delay) if each.start_delay else "-"
    deaf = "hard shutdown" if each.hard else "host stays on"
    return (each.vm_name, str(each.order), delay, protection, duration_in_words(each.seconds), deaf)


def downtime_of(found: Rolling) -> str:
    """How many VMs are shut down, and for how long together, by what is assumed of guests and hosts."""
    off = [each.seconds for stage in found.stages for each in stage.shut_down]
    vms = counted(len(off), "VM cannot leave its host and is", "VMs cannot leave their hosts and are")
    assumed = (
        f"{duration_in_words(SHUTDOWN_SECONDS)} for a guest to shut down, {duration_in_words(BOOT_SECONDS)} for a host "
        f"to go down and come back, {duration_in_words(START_SECONDS)} for a VM to start"
    )
    return (
        f"{vms} shut down in this order, once all others have left, and started in the opposite one before others "
        f"return; those of one order at the same time, {AT_ONCE} at most: off for about {duration_in_words(sum(off))} "
        f"together, assuming {assumed}."
    )


def deviation_rows(found: Rolling) -> list[tuple[str, ...]]:
    """One row a VM that ends away from home, with the cells of `DEVIATION_COLUMNS`."""
    return [(each.vm_name, each.home_name, each.ends_on_name, each.words) for each in found.deviations]


def aside_rows(found: Rolling) -> list[tuple[str, str, str]]:
    """One row a host that cannot be emptied, with the cells of `ASIDE_COLUMNS`; of its fixes the cheapest."""
    ways = {each.host_name: each.ways[0] for each in found.fixes}
    return [(each.host_name, each.words, _fix(ways.get(each.host_name))) for each in found.set_aside]


def _fix(way: Fix | None) -> str:
    return " and ".join(each.words for each in way.concessions) if way else ""


def _how_to(found: Rolling) -> Iterator[str]:
    work = f"update it to platform version {found.version}" if found.version else "reboot it"
    yield "## How to carry it out"
    yield ""
    yield "For each host, in the order of the folders:"
    yield ""
    yield "1. `xe host-disable`, so that nobody starts a VM on it; then `rebalancer verify` and `rebalancer apply` the"
    yield "   folder that empties it."
    if shut_down_rows(found):
        yield "   Then shut down the VMs that stand above under *Shut down meanwhile*, each cleanly."
    yield f"2. Look that no VM runs on it, {work}, and wait until it is enabled again."
    if shut_down_rows(found):
        yield "   Then start those VMs on it."
    yield "3. `rebalancer verify` and `rebalancer apply` the folder that brings VMs home, where there is one."
    yield ""
    yield "Every plan was proven on the pool as the plan before leaves it. If the pool has changed so that a plan is no"
    yield "longer legal, `verify` and `apply` refuse it: plan the rest anew, naming the hosts that are left."
