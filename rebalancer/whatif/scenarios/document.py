"""Scenarios in a TOML file: each a name with its edits in order.

format = "rebalancer-scenarios/1"

[scenarios]
"two hosts fewer" = [{ retire = ["xen3", "xen4"] }]
"next year" = [{ grow = ["*"], cpu = 1.2, memory = 1.1 }, { add_vms = 10, like = "web-1" }]
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

from rebalancer.errors import InputError
from rebalancer.files.decoding import text_of
from rebalancer.files.documents import Unfit, toml_in
from rebalancer.files.kinds import SCENARIOS
from rebalancer.files.reading import bytes_of
from rebalancer.files.shapes import value_in
from rebalancer.whatif.scenarios.edit import Edit
from rebalancer.whatif.scenarios.hosts import AddHosts, Lose, Refit, Retire, Update
from rebalancer.whatif.scenarios.merge import Merge
from rebalancer.whatif.scenarios.vms import AddVMs, AddVMsFrom, Grow, Resize, RetireVMs
from rebalancer.whatif.scenarios.wishes import AddGroup, DropGroup, Relax, SetPolicy

FORMAT: Final = "rebalancer-scenarios/1"

EDITS: Final[tuple[type[Edit], ...]] = (
    Lose,
    Retire,
    AddHosts,
    Refit,
    Update,
    Resize,
    RetireVMs,
    Grow,
    AddVMs,
    AddVMsFrom,
    Relax,
    AddGroup,
    DropGroup,
    SetPolicy,
    Merge,
)
"""All edits, in the order of the manual."""
FILES: Final = (AddVMsFrom, Merge)
"""Edits that name a file: relative to the file in which they stand."""


def read_scenarios(path: Path | str) -> dict[str, tuple[Edit, ...]]:
    """The scenarios in the TOML file at *path*, by name, in its order.

    Example:
        >>> import rebalancer as rb
        >>> from pathlib import Path
        >>> from rebalancer.files.writing import write_new
        >>> toml = b'''
        ... format = "rebalancer-scenarios/1"
        ... [scenarios]
        ... "one fewer" = [{ retire = ["ash"] }]
        ... '''
        >>> write_new(Path("scenarios.toml"), toml)
        >>> {name: [str(edit) for edit in edits] for name, edits in rb.scenarios.read("scenarios.toml").items()}
        {'one fewer': ['retire ash']}

    Raises:
        InputError: the file cannot be read, is no TOML, or has an edit that is none.
    """
    path = Path(path)
    try:
        content = toml_in(text_of(bytes_of(path, SCENARIOS)), SCENARIOS)
    except UnicodeDecodeError as error:
        raise InputError(str(path), "it is not UTF-8 text", "Save it as UTF-8") from error
    except Unfit as error:
        raise InputError(str(path), str(error), "Correct it") from None
    unknown = sorted(content.keys() - {"format", "scenarios"})
    named = content.get("scenarios")
    if content.get("format") != FORMAT or unknown or not isinstance(named, dict) or not named:
        problem = f"unknown key {unknown[0]!r}" if unknown else "it has no format, or no scenarios"
        raise InputError(str(path), problem, f'Begin with format = "{FORMAT}", then [scenarios] with a list each')
    return {name: _edits(path, name, listed) for name, listed in named.items()}


def _edits(path: Path, name: str, listed: object) -> tuple[Edit, ...]:
    where = f"{path}, {name!r}"
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise InputError(where, "it is no list of edits", 'Write [{ lose = ["HOST"] }]')
    return tuple(edit_of(_beside(path, each), f"{where}, edit {number}") for number, each in enumerate(listed, 1))


def _beside(path: Path, table: Mapping[str, Any]) -> dict[str, Any]:
    """*table* with its file as it is found from anywhere."""
    keys = {kind.key for kind in FILES}
    return {
        key: str(path.parent / value) if key in keys and isinstance(value, str) else value
        for key, value in table.items()
    }


def edit_of(table: Mapping[str, Any], where: str) -> Edit:
    """The edit that a TOML table stands for.

    Raises:
        InputError: it is none, or has a value that is none.
    """
    found = [kind for kind in EDITS if kind.key in table]
    if len(found) != 1:
        every = ", ".join(kind.key for kind in EDITS)
        said = " and ".join(kind.key for kind in found) or ", ".join(table) or "nothing"
        raise InputError(where, f"{said} is no edit", f"Write one of {every} in each")
    kind = found[0]
    main = table[kind.key]
    if kind is SetPolicy:
        return _policy(table, main, where)
    values = {kind.main: main, **{key: value for key, value in table.items() if key != kind.key}}
    known = _keys(kind)
    if unknown := [key for key in table if key not in known]:
        raise InputError(where, f"{kind.key}: {unknown[0]} is no key of it", f"Its keys are {', '.join(known)}")
    try:
        return value_in(kind, _with_lists(kind, values))
    except Unfit as error:
        raise InputError(where, f"{kind.key}: {error}", f"Its keys are {', '.join(known)}") from None


def _policy(table: Mapping[str, Any], main: object, where: str) -> SetPolicy:
    if len(table) > 1 or not isinstance(main, dict) or not main:
        raise InputError(where, "policy holds keys and values", 'Write { policy = { "objective.threshold" = 0.6 } }')
    return SetPolicy.of(json.loads(json.dumps(main, default=str)))


def _with_lists(kind: type[Edit], values: Mapping[str, Any]) -> dict[str, Any]:
    """A name where names are wanted is a list of one."""
    several = {field.name for field in _fields(kind) if str(field.type).startswith("tuple")}
    return {key: [value] if key in several and isinstance(value, str) else value for key, value in values.items()}


def _keys(kind: type[Edit]) -> Sequence[str]:
    return [kind.key, *(field.name for field in _fields(kind) if field.name != kind.main)]


def _fields(kind: type[Edit]) -> tuple[Any, ...]:
    return fields(kind)  # type: ignore[arg-type]  # every edit is a dataclass
