"""The size of a VM that does not exist yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebalancer.demand import LoadProfile
from rebalancer.errors import InputError
from rebalancer.units import HOURS_A_DAY, counted

MOST_VCPUS = 4096
MOST_GIB = float(1 << 20)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A VM by its size.

    Example:
        >>> import rebalancer as rb
        >>> str(rb.Shape(vcpus=4, memory_gib=8, load=1.5))
        '4 vCPUs, 8 GiB, at most 1.50 pCPUs'

    Args:
        vcpus: how many it has.
        memory_gib: its memory, all of it static.
        load: pCPUs that it uses: one number for all hours, or 24, one an hour of the day in the zone of the metrics;
            by default as many as it has vCPUs.
        disk_gib: the size of its disk; 0 for none.
        sr: the SR of its disk, by name, uuid or tag; by default the pool's own default.
        networks: the networks that it needs, by name or uuid.
        name: what it is called.
        tags: the tags that it carries, which may put it into groups.

    Raises:
        InputError: a number is none that a VM can have.
    """

    vcpus: int
    memory_gib: float
    load: float | Sequence[float] | None = None
    disk_gib: float = 0.0
    sr: str | None = None
    networks: tuple[str, ...] = ()
    name: str = "new"
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.vcpus, Integral) or not 1 <= self.vcpus <= MOST_VCPUS:
            raise InputError(f"shape {self.name!r}", f"{self.vcpus!r} vCPUs", f"Give a whole number, 1 to {MOST_VCPUS}")
        for words, value in (("memory_gib", self.memory_gib), ("disk_gib", self.disk_gib)):
            least = 0.0 if words == "disk_gib" else 2.0**-10
            if not isinstance(value, Real) or not least <= value <= MOST_GIB:
                raise InputError(f"shape {self.name!r}", f"{words} is {value!r}", "Give a size in GiB")
        if isinstance(self.networks, str) or isinstance(self.tags, str):
            raise InputError(f"shape {self.name!r}", "networks and tags are several names", 'Write them as ("one",)')
        if odd := [each for each in self._given if not isinstance(each, Real)]:
            raise InputError(f"shape {self.name!r}", f"a load of {odd[0]!r}", "Give pCPUs, 0 up to its vCPUs")
        wrong = [each for each in self.hourly if not 0 <= each <= self.vcpus]
        if wrong:
            problem = f"a load of {wrong[0]:g} pCPUs with {counted(self.vcpus, 'vCPU')}"
            raise InputError(f"shape {self.name!r}", problem, "Give pCPUs, 0 up to its vCPUs")
        if len(self.hourly) not in {1, HOURS_A_DAY}:
            remedy = f"Give one number, or {HOURS_A_DAY}"
            raise InputError(f"shape {self.name!r}", f"its load has {len(self.hourly)} numbers", remedy)
        if not self.name:
            raise InputError("shape", "its name is empty", "Name it, or leave `name` out")

    @property
    def hourly(self) -> tuple[float, ...]:
        """pCPUs by hour of the day, or one number for all."""
        if self.load is None:
            return (float(self.vcpus),)
        return tuple(float(each) for each in self._given)

    @property
    def _given(self) -> tuple[Any, ...]:
        given: Any = () if self.load is None else self.load
        return (given,) if isinstance(given, Real) else tuple(given)

    def load_in(self, profile: LoadProfile) -> NDArray[np.float64]:
        """pCPUs in every slot of *profile*, shape (slots,), in pCPUs of its speed."""
        return np.resize(np.array(self.hourly), profile.slots).astype(np.float64)

    def __str__(self) -> str:
        """What it takes."""
        disk = f", a disk of {self.disk_gib:g} GiB" if self.disk_gib else ""
        size = f"{counted(self.vcpus, 'vCPU')}, {self.memory_gib:g} GiB"
        return f"{size}, at most {max(self.hourly):.2f} pCPUs{disk}"
