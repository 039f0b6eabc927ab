"""The errors and the tree that is drawn of them."""

from __future__ import annotations

from collections.abc import Iterator

from rebalancer import errors
from rebalancer.errors import RebalancerError
from rebalancer.errors.base import Listed, Located


def drawn() -> Iterator[tuple[str, ...]]:
    """The path from the root to each class in the drawing."""
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if line.startswith("    "):
            branch = line.lstrip(" |`-")
            depth = (len(line) - len(branch) - 4) // 3
            path = [*path[:depth], branch.split()[0]]
            yield tuple(path)


def below(error: type[Exception], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths from the root to *error* and to all that derive from it; Located and Listed are forms and no branches."""
    if error not in {Located, Listed}:
        path = (*path, error.__name__)
        yield path
    for each in error.__subclasses__():
        yield from below(each, path)


def test_the_drawing_is_the_tree() -> None:
    """Every class is drawn once, below its base, and can be imported from the package."""
    paths = sorted(drawn())
    assert paths == sorted(below(RebalancerError))
    assert {path[-1] for path in paths} <= set(errors.__all__)
