"""Every name of the front door, and every function of the submodules for planners, has an example, and it runs."""

from __future__ import annotations

import doctest
from inspect import isfunction
from pathlib import Path

import pytest

import rebalancer as rb

PLANNERS = ("frames", "plots", "scenarios")
"""Submodules each function of which has an example of its own; docs/python.md has one for each of the others."""
FUNCTIONS = [
    f"{module}.{name}"
    for module in PLANNERS
    for name in getattr(rb, module).__all__
    if isfunction(getattr(getattr(rb, module), name))
]
LOOSE = doctest.NORMALIZE_WHITESPACE
"""A frame ends its lines with blanks, and docstrings do not."""


def failed(value: object, name: str) -> str | None:
    """What is wrong with the examples of *value*: none at all, or what they told; None where they are fine."""
    told: list[str] = []
    tests = doctest.DocTestFinder(exclude_empty=True).find(value, name, globs={})
    runs = [doctest.DocTestRunner(optionflags=LOOSE).run(test, out=told.append) for test in tests]
    if sum(run.attempted for run in runs) <= 1:
        return f"{name} has no example"
    return "".join(told) if any(run.failed for run in runs) else None


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", rb.__all__)
def test_the_example_runs(name: str) -> None:
    """In a folder with the snapshot of the demo's pool, nothing else being defined; of a class or of its methods."""
    assert failed(getattr(rb, name), name) is None


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_of_a_function_runs(name: str) -> None:
    """Likewise; of all that is public there, so that none is forgotten."""
    module, _, function = name.partition(".")
    assert failed(getattr(getattr(rb, module), function), name) is None


def test_a_broken_example_is_seen(desk: Path) -> None:
    """The runner reports an answer that is not the one written down, and a function without any."""
    assert desk.is_dir()
    assert "Expected" in str(failed(broken, "broken"))
    assert failed(bare, "bare") == "bare has no example"


def broken() -> None:
    """Has an example.

    Example:
        >>> one = 1
        >>> one
        2
    """


def bare() -> None:
    """Has none."""
