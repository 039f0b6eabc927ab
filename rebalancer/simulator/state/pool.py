"""A pool that the simulator can play: its XenAPI records and how busy its VMs are, as values and as a file."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rebalancer.errors import InputError
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import SIMULATED
from rebalancer.files.reading import content_of
from rebalancer.files.writing import PUBLIC, write_whole

FORMAT = "rebalancer-simulated-pool/1"
REMEDY = SIMULATED.remedy

Records = dict[str, dict[str, dict[str, Any]]]
Series = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedPool:
    """A pool's records and its load.

    Args:
        records: {class: {ref: record}}, as get_all_records gives them over XML-RPC: integers are strings.
        load: {VM uuid: pCPU used in each step}; None is a gap. The series repeats from the epoch on, so value i
            holds at every time t with (t // load_step_seconds) % len(series) == i; a week of hours starts on
            Thursday 00:00 UTC.
        host_load: {host uuid: pCPU that dom0 and Xen use in each step}, repeated alike.
        load_step_seconds: the length of a step.
    """

    records: Records
    load: Mapping[str, Series] = field(default_factory=dict)
    host_load: Mapping[str, Series] = field(default_factory=dict)
    load_step_seconds: int = 3600


def load_pool(path: str | Path) -> SimulatedPool:
    """Read a simulated pool, or any JSON file with XenAPI `records` (then without load), gzip'd or not.

    Example:
        >>> import rebalancer as rb
        >>> rb.simulator.save_pool(rb.simulator.demo_pool(), "demo.json.gz")
        >>> rb.simulator.load_pool("demo.json.gz") == rb.simulator.demo_pool()
        True

    Raises:
        InputError: the file cannot be read, or holds no records.
    """
    return read_pool_file(Path(path))[0]


def read_pool_file(where: Path) -> tuple[SimulatedPool, Mapping[str, Any]]:
    """Read a simulated pool as `load_pool` does, and whatever else its file holds."""
    try:
        document = json_in(content_of(where, SIMULATED), SIMULATED)
    except Unfit as error:
        raise InputError(str(where), f"cannot be read as a simulated pool: {error}", REMEDY) from error
    if not _is_simulated(document):
        raise InputError(str(where), "holds no XenAPI records of a pool", REMEDY)
    pool = SimulatedPool(
        records=document["records"],
        load=document.get("load", {}),
        host_load=document.get("host_load", {}),
        load_step_seconds=document.get("load_step_seconds", 3600),
    )
    return pool, document


def _is_simulated(document: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
    """Whether *document* holds tables of records, `pool` among them, and series of numbers where it has any."""
    try:
        records, load, host_load = document["records"], document.get("load", {}), document.get("host_load", {})
        rows = [row for table in records.values() for row in table.values()]
        series = [each for values in (*load.values(), *host_load.values()) for each in values]
    except (TypeError, KeyError, AttributeError):
        return False
    numbers = all(each is None or isinstance(each, int | float) for each in series)
    step = document.get("load_step_seconds", 1)
    return (
        "pool" in records
        and all(isinstance(row, dict) for row in rows)
        and numbers
        and isinstance(step, int)
        and step > 0
    )


def save_pool(pool: SimulatedPool, path: str | Path) -> None:
    """Write a pool as JSON, gzip by suffix; the same pool gives the same bytes.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> rb.simulator.save_pool(rb.simulator.demo_pool(), "demo.json.gz")
        >>> Path("demo.json.gz").stat().st_size > 0
        True
    """
    write_pool_file(pool, Path(path), {})


def write_pool_file(pool: SimulatedPool, where: Path, more: Mapping[str, Any], *, mode: int = PUBLIC) -> None:
    """Write a pool as `save_pool` does, and *more* beside it."""
    document = {
        "format": FORMAT,
        "load_step_seconds": pool.load_step_seconds,
        "load": dict(pool.load),
        "host_load": dict(pool.host_load),
        "records": pool.records,
        **more,
    }
    raw = json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
    write_whole(where, gzip.compress(raw, mtime=0) if where.suffix == ".gz" else raw, mode=mode)
