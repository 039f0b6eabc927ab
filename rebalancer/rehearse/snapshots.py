"""Where the snapshot lies that a plan was made from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError

NAMES: Final = ("snapshot.json.gz", "snapshot.json")


def snapshot_of(plan: Path) -> Path:
    """The snapshot in the folder of a plan, given as that folder or its `plan.json`, or beside that folder.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> _ = Path("tonight.json.gz").write_bytes(Path("pool.json.gz").read_bytes())
        >>> rb.rehearse.snapshot_of(Path("tonight")).name
        'tonight.json.gz'

    Raises:
        InputError: there is none.
    """
    found = snapshot_beside(plan)
    if found is None:
        folder = plan if plan.is_dir() else plan.parent
        problem = f"neither in it nor beside it lies a snapshot ({' or '.join(NAMES)}, {folder.name}.json.gz)"
        remedy = "Name the one that it was made from by --snapshot, or a database dump of the pool"
        raise InputError(str(plan), problem, remedy)
    return found


def snapshot_beside(plan: Path) -> Path | None:
    """The same; None where there is none.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> print(rb.rehearse.snapshot_beside(Path("tonight")))
        None
    """
    folder = plan if plan.is_dir() else plan.parent
    return next((path for path in _places(folder) if path.is_file()), None)


def _places(folder: Path) -> Iterator[Path]:
    beside = folder.resolve().parent
    yield from (folder / name for name in NAMES)
    yield beside / f"{folder.resolve().name}.json.gz"
    yield from (beside / name for name in NAMES)
