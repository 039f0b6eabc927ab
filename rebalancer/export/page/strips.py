"""Strips: a row of cells coloured by a share, as SVG paths, one a colour."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """Cells from left to right: `paths` draws those of each colour, from 0 up, as lines; `words` tells it all."""

    cells: int
    paths: tuple[tuple[int, str], ...]
    words: str


def strip_of(shares: Sequence[float], edges: Sequence[float], words: str) -> Strip:
    """A strip with a cell for each of *shares*; its colour is how many of *edges* are at or below the share."""
    lines: dict[int, list[str]] = {}
    place = 0
    for colour, run in groupby(_colours(shares, edges)):
        length = len(list(run))
        lines.setdefault(colour, []).append(f"M{place} .5h{length}")
        place += length
    return Strip(cells=len(shares), paths=tuple((each, "".join(lines[each])) for each in sorted(lines)), words=words)


def _colours(shares: Sequence[float], edges: Sequence[float]) -> Iterable[int]:
    return (bisect_right(edges, share) for share in shares)
