"""Every name of the front door, and every function of a public submodule, has an example, and it runs."""

from __future__ import annotations

import doctest
from inspect import isclass, isfunction
from pathlib import Path

import pytest

import rebalancer as rb

PLANNERS = ("frames", "plots", "scenarios", "whatif")
"""Submodules each class of which has an example, too."""
WITHOUT = ("rules",)
"""A submodule that docs/python.md has an example for, and its functions have none: `model.rulebook` is the way in."""


def public_of(module: str) -> list[str]:
    """The functions of a public submodule, and of some the classes: those that it names, else those that it defines."""
    room = getattr(rb, module)
    names = getattr(room, "__all__", None) or [name for name in vars(room) if not name.startswith("_")]
    values = {name: getattr(room, name) for name in names}
    return [
        f"{module}.{name}"
        for name, value in values.items()
        if (isfunction(value) or (module in PLANNERS and isclass(value)))
        and (hasattr(room, "__all__") or value.__module__ == room.__name__)
    ]


NAMES = [name for module in rb.PUBLIC if module not in WITHOUT for name in public_of(module)]
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


@pytest.mark.usefixtures("tonight")
@pytest.mark.parametrize("name", NAMES)
def test_the_example_of_a_submodule_runs(name: str) -> None:
    """Likewise, with a plan in the folder `tonight`; of all that is public there, so that none is forgotten."""
    module, _, value = name.partition(".")
    assert failed(getattr(getattr(rb, module), value), name) is None


def test_no_public_function_is_passed_over() -> None:
    """Neither of modules that name what is public, nor of those that only define it; what they import is not theirs."""
    assert {"whatif.losses", "units.counted", "scenarios.Edit", "execute.resume"} <= set(NAMES)
    assert not {"units.dataclass", "sanitise.json"} & set(NAMES)
    assert set(WITHOUT) <= set(rb.PUBLIC)


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
