"""How two plans differ, as people read a diff: counts first, then steps by host, then the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.text import Text

from rebalancer.cli.output import plain
from rebalancer.plan import Plan


class ShownDifference(Protocol):
    """One difference, as `rebalancer.diff` tells it."""

    @property
    def words(self) -> str:
        """What differs."""

    @property
    def sign(self) -> str:
        """`+`, `-` or `~`."""

    @property
    def host(self) -> str:
        """Where the VM of a step begins; "" where it is about no step."""


STYLES = {"+": "green", "-": "red", "~": "yellow"}
ONLY = {"+": "only the second moves ", "-": "only the first moves "}
"""What the sign of a line says by itself."""


def difference_lines(plans: Sequence[Plan], names: Sequence[str], found: Sequence[ShownDifference]) -> Iterator[Text]:
    """The lines for *found* between two *plans*, called *names*."""
    first, second = names
    yield plain(f"--- {first} (the first, {plans[0].digest})", STYLES["-"])
    yield plain(f"+++ {second} (the second, {plans[1].digest})", STYLES["+"])
    yield plain(_counts(plans, found))
    steps = [each for each in found if each.host]
    for host in sorted({each.host for each in steps}):
        yield plain(host, "bold")
        for each in sorted((each for each in steps if each.host == host), key=lambda each: "-~+".index(each.sign)):
            yield plain(f"  {each.sign} {each.words.removeprefix(ONLY.get(each.sign, ''))}", STYLES[each.sign])
    for each in found:
        if not each.host:
            yield plain(f"{each.sign} {each.words}", STYLES[each.sign])


def counts_of(plans: Sequence[Plan], found: Sequence[ShownDifference]) -> dict[str, int]:
    """How many VMs both plans move alike, only the one or the other moves, or both move otherwise; and what else."""
    signs = [each.sign for each in found if each.host]
    both = {step.vm for step in plans[0].steps} & {step.vm for step in plans[1].steps}
    changed = signs.count("~")
    return {
        "alike": len(both) - changed,
        "only_first": signs.count("-"),
        "only_second": signs.count("+"),
        "otherwise": changed,
        "other": len(found) - len(signs),
    }


def _counts(plans: Sequence[Plan], found: Sequence[ShownDifference]) -> str:
    count = counts_of(plans, found)
    only = f"{count['only_first']} only the first (-), {count['only_second']} only the second (+)"
    moves = f"{only}, {count['otherwise']} otherwise (~), {count['alike']} alike"
    return f"VMs that move: {moves}; other differences: {count['other']}"
