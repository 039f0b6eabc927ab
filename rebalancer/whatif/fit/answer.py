"""How many more VMs fit: the number, the bound, and what ends it on each host."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rebalancer.essence import line_of
from rebalancer.inventory import Uuid
from rebalancer.units import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFit:
    """What a host takes.

    Args:
        host: its name.
        host_uuid: its uuid.
        starts: how many of each kind start there.
        rule: the rule that ends it there: what has no room for one more of the first kind.
        ends: the same in words, with the slot where it is of one.
    """

    host: str
    host_uuid: Uuid
    starts: tuple[int, ...]
    rule: str
    ends: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomMade:
    """A VM that makes room."""

    vm: str
    vm_uuid: Uuid
    source: str
    target: str
    gib: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How many more fit.

    Args:
        kinds: what each kind is called.
        ratio: how many of each make one.
        count: the largest number of these that was found, each checked by all rules.
        bound: what no placement is above that single moves without disks lead to; of hosts to spare it counts the
            memory for restarts by sizes of VMs, or in sums where there are too many of these.
        hosts: every host, in the order of the pool.
        moves: VMs that make room, on paper: no order of them was looked for.
        spare: hosts that may fail together, so that all VMs restart as far as they do now, the new ones included.
        reduced: whether hosts to spare cost some that would have fitted.
    """

    kinds: tuple[str, ...]
    ratio: tuple[int, ...]
    count: int
    bound: int
    hosts: tuple[HostFit, ...]
    moves: tuple[RoomMade, ...]
    spare: int
    reduced: bool

    def __repr__(self) -> str:
        what = " + ".join(f"{ratio} {kind!r}" for ratio, kind in zip(self.ratio, self.kinds, strict=True))
        return line_of("Fit", f"{self.count} times {what}, at most {self.bound}; {counted(len(self.moves), 'move')}")

    @property
    def proved(self) -> bool:
        """Whether it is proved that no more fit."""
        return self.count == self.bound

    @property
    def gap(self) -> float:
        """How many more there may be at most, as a share of the bound."""
        return (self.bound - self.count) / self.bound if self.bound else 0.0

    @property
    def sentence(self) -> str:
        """The answer."""
        what = " + ".join(
            f"{ratio} x {kind}" if ratio > 1 else kind for ratio, kind in zip(self.ratio, self.kinds, strict=True)
        )
        sure = "no more fit" if self.proved else f"no more than {self.bound} fit"
        moved = f", {counted(len(self.moves), 'VM')} moved" if self.moves else ""
        kept = f", {counted(self.spare, 'host')} to spare" if self.spare else ""
        return f"{self.count} more of {what}{moved}{kept}; {sure} by moves without disks."

    def as_json(self) -> dict[str, object]:
        """Plain values for programs."""
        return {**asdict(self), "proved": self.proved, "gap": self.gap}
