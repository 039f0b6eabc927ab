"""Questions about what may move, answered by the rules alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rebalancer.errors import ConnectionSettingsError, PolicyError
from rebalancer.essence import line_of
from rebalancer.face.given import assert_kind
from rebalancer.face.model import Model, assert_model, assert_state
from rebalancer.legality.findings import policy_findings
from rebalancer.legality.matrix import Matrix, legality_matrix, write_matrix
from rebalancer.legality.report import LegalityReport, PairAnswer, legality_report, near_first
from rebalancer.legality.report import explain as answers_for
from rebalancer.policy import Policy, PolicyFinding, check_alone
from rebalancer.rules import relaxed
from rebalancer.units import counted
from rebalancer.xapi.wire.address import parse_url

if TYPE_CHECKING:
    import pandas as pd

    from rebalancer.face.read import PoolState


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Who may move where: the `report` in numbers and words, the whole table by `matrix`, `frame` and `save`.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.check(rb.Model(rb.read("pool.json.gz")))
        >>> found.matrix().titles
        ['alder', 'ash', 'aspen', 'beech', 'birch']
        >>> found.save("who-may-move.csv")
        >>> found.refusals().groupby("host").vm.nunique().to_dict()
        {'alder': 8, 'ash': 4, 'aspen': 7, 'beech': 7, 'birch': 6}
        >>> found.violations().rule.unique().tolist()
        ['keep-apart']
    """

    model: Model
    report: LegalityReport

    def __repr__(self) -> str:
        found = self.report
        free = f"{found.movable} of {counted(found.guests, 'VM')} may move"
        held, broken = counted(len(found.held), "rule"), counted(len(found.standing), "breach", "breaches")
        return line_of("Check", f"of pool {found.pool!r}: {free}, {held} in the way of others; {broken} now")

    def matrix(self) -> Matrix:
        """VMs x hosts: the first rule that objects."""
        return legality_matrix(self.model.rulebook)

    def frame(self) -> pd.DataFrame:
        """VMs x hosts: the first rule that objects, "" where the VM may go, "+" with its disks, "=" where it is."""
        from rebalancer.frames import legality_frame  # noqa: PLC0415 - pandas, only where somebody asks for it

        return legality_frame(self.model.rulebook)

    def refusals(self) -> pd.DataFrame:
        """One row a VM, host and rule that objects: rule, XAPI's code, words and remedy; XAPI's own answer first."""
        from rebalancer.frames import refusals_frame  # noqa: PLC0415 - likewise

        return refusals_frame(self.model.rulebook)

    def violations(self) -> pd.DataFrame:
        """One row a rule that is broken now and host or VM that has a part in it."""
        from rebalancer.frames import violations_frame  # noqa: PLC0415 - likewise

        return violations_frame(self.model.rulebook)

    def save(self, path: Path | str) -> None:
        """Write the matrix to a file (`.csv`, `.json`).

        Raises:
            InputError: it has another suffix, or cannot be written.
        """
        write_matrix(self.matrix(), Path(path))


def check(model: Model) -> Check:
    """How many VMs may move, and what holds the others.

    Example:
        >>> import rebalancer as rb
        >>> found = rb.check(rb.Model(rb.read("pool.json.gz")))
        >>> found.report.movable, found.report.guests, found.report.held[0].rule
        (37, 45, 'shared-sr-visible')
        >>> found.frame().shape
        (45, 5)
    """
    assert_model(model)
    return Check(model=model, report=legality_report(model.rulebook))


def explain(model: Model, vm: str, host: str | None = None) -> tuple[PairAnswer, ...]:
    """Why a VM may or may not move to *host*, or to each host: every rule that objects, XAPI's own answer first.

    Example:
        >>> import rebalancer as rb
        >>> (answer,) = rb.explain(rb.Model(rb.read("pool.json.gz")), "app-041", "alder")
        >>> answer.objections[0].words
        "needs SR 'DVD drives (beech, 6d6b987a)', which the host does not have attached"

    Raises:
        InputError: the pool has no such VM or host, or several.
    """
    assert_model(model)
    guest = model.vm(vm)
    hosts = near_first(guest, model.problem) if host is None else [model.host(host)]
    return answers_for(model.rulebook, guest, hosts)


def lint(policy: Policy, state: PoolState | None = None) -> tuple[PolicyFinding, ...]:
    """What *policy* asks for in vain: by itself, or in the pool of *state*.

    Example:
        >>> import rebalancer as rb
        >>> rb.lint(rb.Policy(), rb.read("pool.json.gz"))
        ()

    Raises:
        PolicyError: it names a rule, VM or host that is not there, or an address of the pool that cannot be asked, or
            cannot be followed at all.
        TypeError: *policy* or *state* is something else.
    """
    assert_kind(policy, Policy, "rb.Policy.load(path) reads one")
    if state is not None:
        assert_state(state)
    relaxed(policy)
    _refuse_urls(policy)
    return check_alone(policy) if state is None else policy_findings(policy, state.pool)


def _refuse_urls(policy: Policy) -> None:
    """Pass where each address of the pool can be asked: `nightly` would find out at night."""
    fallbacks = {f"fallback_urls[{number}]": url for number, url in enumerate(policy.pool.fallback_urls, 1)}
    for key, url in {"url": policy.pool.url, **fallbacks}.items():
        try:
            _ = url is None or parse_url(url)
        except ConnectionSettingsError as error:
            where = f"policy '{policy.name}', pool.{key}" + (f", {error.where}" if error.where else "")
            raise PolicyError(where, error.problem, error.remedy) from error
