"""A plan as a folder: what people read, what programs read, and what a shell can run. All of it, or nothing.

It tells what is in the pool: whatever the mask of the shell, only its owner can look into it (modes 0700 and 0600).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rebalancer.errors import PlanFileError
from rebalancer.export.manifest import MANIFEST_JSON, RENDERED, WRITERS, manifest_json
from rebalancer.export.planfile import PLAN_JSON, folder_of, read_plan
from rebalancer.files.kinds import PLAN
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import PRIVATE, write_new, write_whole
from rebalancer.interruption import uninterrupted
from rebalancer.plan import Plan

FILES = (*WRITERS, MANIFEST_JSON)
EXECUTABLE = {"run.sh"}
OUTCOME_JSON = "outcome.json"
"""Says how the plan ended, and goes with it when another plan takes its place."""


def write_plan(plan: Plan, folder: Path | str) -> tuple[Path, ...]:
    """Write *plan* to *folder*, in place of an older plan there; the paths of the files.

    The folder appears with all of its files at once. What else lies in it is never touched: a folder with other files
    is refused.

    Example:
        >>> import rebalancer as rb
        >>> plan = rb.export.read_plan("tonight")
        >>> sorted(path.name for path in rb.export.write_plan(plan, "copy"))
        ['manifest.json', 'moves.csv', 'plan.html', 'plan.json', 'plan.md', 'run.sh']

    Raises:
        PlanFileError: the folder holds something else, or cannot be written.
    """
    target = Path(folder)
    assert_free(target)
    with fresh_folder(target) as fresh:
        contents = {name: write(plan).encode() for name, write in WRITERS.items()}
        for name, content in (contents | {MANIFEST_JSON: manifest_json(plan, contents).encode()}).items():
            write_new(fresh / name, content, mode=_mode(name))
        _swap(fresh, target)
    return tuple(target / name for name in FILES)


def write_files_anew(path: Path) -> tuple[Path, ...]:
    """Write what people read and a shell runs, and the manifest, beside the plan.json in *path*; the paths of them all.

    plan.json stays as it is, byte for byte. The manifest comes last: until it is there, the files are refused.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> Path("tonight/plan.md").unlink()
        >>> sorted(path.name for path in rb.export.write_files_anew(Path("tonight")))
        ['manifest.json', 'moves.csv', 'plan.html', 'plan.md', 'run.sh']

    Raises:
        PlanFileError: there is no plan, it has another name, or the files cannot be written.
    """
    if path.is_file() and path.name != PLAN_JSON:
        problem = f"files stand beside a {PLAN_JSON}, and another plan may be there"
        raise PlanFileError(str(path), problem, f"Name a plan folder, or call it {PLAN_JSON} in a folder of its own")
    plan, folder = read_plan(path), folder_of(path)
    contents = {name: WRITERS[name](plan).encode() for name in RENDERED}
    whole = {PLAN_JSON: bytes_of(folder / PLAN_JSON, PLAN)} | contents
    try:
        for name, content in (contents | {MANIFEST_JSON: manifest_json(plan, whole).encode()}).items():
            write_whole(folder / name, content, mode=_mode(name))
    except OSError as error:
        raise PlanFileError(str(folder), f"it cannot be written: {error.strerror}", "Make it writable") from error
    return tuple(folder / name for name in (*RENDERED, MANIFEST_JSON))


def _mode(name: str) -> int:
    return 0o700 if name in EXECUTABLE else PRIVATE


@contextmanager
def fresh_folder(target: Path) -> Iterator[Path]:
    """A folder beside *target*, to be filled and put in its place; what is left of it in the end is removed.

    Raises:
        PlanFileError: it cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as left:
            with uninterrupted():
                fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
                left.callback(_remove, fresh)
            yield fresh
    except OSError as error:
        problem = f"it cannot be written: {error.strerror}"
        raise PlanFileError(str(target), problem, "Make room, or name another folder") from error


def _remove(folder: Path) -> None:
    with uninterrupted():
        shutil.rmtree(folder, ignore_errors=True)


def assert_free(target: Path) -> None:
    """Pass if a plan may be written to *target*: there is nothing, an empty folder or an older plan.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> try:
        ...     rb.export.assert_free(Path("pool.json.gz"))
        ... except rb.errors.PlanFileError as error:
        ...     print(error)
        pool.json.gz: it is a file. Name a folder.

    Raises:
        PlanFileError: there is something else.
    """
    if target.exists() and not target.is_dir():
        raise PlanFileError(str(target), "it is a file", "Name a folder")
    try:
        others = sorted({path.name for path in target.iterdir()} - {*FILES, OUTCOME_JSON}) if target.exists() else []
    except OSError as error:
        problem = f"it cannot be read: {error.strerror}"
        raise PlanFileError(str(target), problem, "Make room, or name another folder") from error
    if others:
        problem = f"the folder holds other files, such as {others[0]!r}"
        raise PlanFileError(str(target), problem, "Name a new folder, or an older plan to replace")


def _swap(fresh: Path, target: Path) -> None:
    """Let *fresh* take the place of *target*; the old files end where *fresh* was."""
    if not target.exists():
        fresh.rename(target)
        return
    old = fresh / "old"
    new = fresh.with_name(f"{fresh.name}.new")
    with uninterrupted():
        fresh.rename(new)
        fresh.mkdir()
        target.rename(old)
        new.rename(target)
