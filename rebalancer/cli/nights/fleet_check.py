"""`policy check` of a fleet: its own file, the policy of each pool, and what several of them share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import rebalancer as rb
from rebalancer.cli.exits import Exit
from rebalancer.cli.output import print_json, show_lines
from rebalancer.errors import RebalancerError
from rebalancer.policy.fleet import Fleet, fleet_of
from rebalancer.policy.lint import absent_files
from rebalancer.units import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A policy of a fleet by its path: what is wrong with it, and what was found where nothing is."""

    name: str
    wanted: rb.Policy | None = None
    error: str = ""
    findings: tuple[str, ...] = ()


def check_fleet(path: Path, *, json: bool) -> int:
    """Say what is wrong with each policy of the fleet at *path*; the code is 1 where one cannot be used.

    Raises:
        PolicyError: the fleet's own file cannot be used.
    """
    fleet = fleet_of(path)
    checked = list(_checked(fleet))
    code = Exit.ERROR if any(each.error for each in checked) else Exit.DONE
    if json:
        told = [{"policy": each.name, "error": each.error, "findings": list(each.findings)} for each in checked]
        print_json({"fleet": fleet.policy.name, "exit_code": int(code), "policies": told})
    else:
        show_lines(*_lines(path, fleet, checked))
    return code


def _checked(fleet: Fleet) -> Iterator[_Checked]:
    first: dict[str, str] = {}
    for name, path in fleet.members:
        try:
            wanted = rb.Policy.load(path)
            found = [str(each) for each in (*rb.lint(wanted), *absent_files(wanted, path.parent))]
        except RebalancerError as error:
            yield _Checked(name=name, error=str(error))
            continue
        url = wanted.pool.url or ""
        if not url:
            found.append("pool.url: it is missing: a night needs to know where the pool is")
        elif (other := first.setdefault(url, name)) != name:
            found.append(f"pool.url: {other} names the same pool: of two nights at once, one is refused")
        yield _Checked(name=name, wanted=wanted, findings=tuple(found))


def _lines(path: Path, fleet: Fleet, checked: list[_Checked]) -> Iterator[str]:
    yield f"{path}: fleet '{fleet.policy.name}' of {counted(len(checked), 'pool')}"
    for each in checked:
        if each.wanted is None:
            yield f"{each.name}: cannot be used: {each.error}"
        else:
            yield f"{each.name}: policy '{each.wanted.name}', mode {each.wanted.mode}, is well-formed."
        yield from (f"- {finding}" for finding in each.findings)
