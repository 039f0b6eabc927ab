"""Several policies that one command carries through a night."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from rebalancer.errors import PolicyError
from rebalancer.files.decoding import text_of
from rebalancer.files.documents import Unfit, toml_in
from rebalancer.files.kinds import POLICY
from rebalancer.files.reading import bytes_of
from rebalancer.policy.sections import Names, Section, Title
from rebalancer.policy.toml import from_toml

AtOnce = Annotated[int, Field(ge=1, le=64)]


class FleetPolicy(Section):
    """The pools of a fleet, one policy each, and how many are looked after at once.

    `policies` are files, or patterns such as `pools/*.toml`, relative to the folder of the fleet's file. `read_at_once`
    pools are read side by side and `plan_at_once` planned, each by a process of its own. `carry_out` says whether plans
    are carried out one after another, or side by side.
    """

    format: Literal["rebalancer-fleet/1"] = "rebalancer-fleet/1"
    name: Title = "fleet"
    policies: Annotated[Names, Field(min_length=1)]
    carry_out: Literal["one-after-another", "side-by-side"] = "one-after-another"
    read_at_once: AtOnce = 8
    plan_at_once: AtOnce = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A fleet, and the policy file of each pool by a name that no other one has."""

    policy: FleetPolicy
    members: tuple[tuple[str, Path], ...]


def is_fleet(path: Path) -> bool:
    r"""Whether *path* names several policies: a folder, or a TOML file with the key `policies`.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> _ = Path("berlin.toml").write_text('[pool]\nurl = "https://berlin.example"\n')
        >>> rb.policy.is_fleet(Path("berlin.toml")), rb.policy.is_fleet(Path("."))
        (False, True)
    """
    if path.is_dir():
        return True
    try:
        return "policies" in toml_in(text_of(bytes_of(path, POLICY)), POLICY)
    except (PolicyError, UnicodeDecodeError, Unfit):
        return False


def fleet_of(path: Path) -> Fleet:
    r"""The fleet of a folder, all `*.toml` in it, or of a fleet's file; patterns pass over fleets.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> for name in ("berlin", "paris"):
        ...     _ = Path(f"{name}.toml").write_text(f'[pool]\nurl = "https://{name}.example"\n')
        >>> _ = Path("all.toml").write_text('policies = ["berlin.toml", "paris.toml"]')
        >>> [name for name, _ in rb.policy.fleet_of(Path("all.toml")).members]
        ['berlin.toml', 'paris.toml']

    Raises:
        PolicyError: the file is wrong, or a pattern or the folder names no file.
    """
    if path.is_dir():
        wanted, base = FleetPolicy(name=path.resolve().name or "fleet", policies=("*.toml",)), path
    else:
        wanted, base = from_toml(path, FleetPolicy), path.parent
    found: dict[str, Path] = {}
    for pattern in wanted.policies:
        listed = (each for each in base.glob(pattern) if not is_fleet(each))
        files = sorted(listed) if any(sign in pattern for sign in "*?[") else [base / pattern]
        if not files:
            raise PolicyError(str(path), f"{pattern} names no file", "Name policy files, relative to it")
        found |= {each.relative_to(base).as_posix() if each.is_relative_to(base) else str(each): each for each in files}
    return Fleet(policy=wanted, members=tuple(found.items()))
