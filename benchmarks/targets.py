"""What must be reached on each instance, and what of it was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.judge import Verdict

GREEDY_64X1500_H = 1546.0
"""GiB that the time-aware greedy floor copies on 64x1500-h (`benchmarks/peers/measured.json`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What must be reached.

    Args:
        name: of the instance.
        area: above 0.8, at most; nothing but on pools that are hot as a whole.
        seconds: of wall clock, at most.
        gib: copied, at most.
        gap: to the bound, at most.
        megabytes: of memory, at most.
        generated: the seed from which the instance is made; None where it is a shared one.
        peers: whether other balancers stand beside it.
    """

    name: str
    seconds: float
    area: float = 0.0
    gib: float = float("inf")
    gap: float = 1.0
    megabytes: float = float("inf")
    generated: int | None = None
    peers: bool = True

    def __str__(self) -> str:
        limits = [
            f"area {self.area:g}" if self.area < float("inf") else "",
            f"{self.gib:g} GiB" if self.gib < float("inf") else "",
            f"gap {self.gap:.1%}" if self.gap < 1 else "",
            f"{self.seconds:g} s",
            f"{self.megabytes:g} MB" if self.megabytes < float("inf") else "",
        ]
        return ", ".join(limit for limit in limits if limit)


TARGETS = (
    Target(name="hot5", seconds=60, area=float("inf"), gap=0.01),
    Target(name="16x250", seconds=5, gib=109.75, gap=0.0),
    Target(name="16x250-c", seconds=10, gap=0.01),
    Target(name="16x250-h", seconds=30, gib=367.25, gap=0.0),
    Target(name="16x250-h", seconds=5, gib=367.25 * 1.03, peers=False),
    Target(name="32x600-h", seconds=60, gib=700, gap=0.05),
    Target(name="64x1500", seconds=30, gib=698, gap=0.01),
    Target(name="64x1500-h", seconds=60, gib=0.75 * GREEDY_64X1500_H, gap=0.05),
    Target(name="64x3000", seconds=30, gap=0.015, generated=1),
    Target(name="256x8000", seconds=120, gap=0.1, megabytes=700, generated=1),
)


def unmet(target: Target, judged: Verdict, answer: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What was missed, and what nobody can reach with the proof of that, in words."""
    bound = answer["bound"]
    out_of_reach = judged.gib > target.gib and not judged.area and bound > target.gib
    checks = {
        f"{judged.broken} rules BROKEN": judged.broken > 0,
        f"{judged.unfit} moves do NOT FIT": judged.unfit > 0,
        f"MISSED area {target.area:g}": judged.area > target.area,
        f"MISSED {target.gib:g} GiB": judged.gib > target.gib and not out_of_reach,
        f"MISSED gap {target.gap:.1%}": answer["gap"] > target.gap,
        f"MISSED {target.seconds:g} s": answer["wall_s"] > target.seconds,
        f"MISSED {target.megabytes:g} MB": answer["peak_rss_mb"] > target.megabytes,
    }
    proof = f"{target.gib:g} GiB cannot be reached: it is proven that every placement copies {bound:.2f} GiB or more"
    return [words for words, wrong in checks.items() if wrong], [proof] if out_of_reach else []
