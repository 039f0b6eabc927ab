"""Every name of the front door has an example, and it runs."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import rebalancer as rb


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", rb.__all__)
def test_the_example_runs(name: str) -> None:
    """In a folder with the snapshot of the demo's pool, nothing else being defined; of a class or of its methods."""
    told: list[str] = []
    tests = doctest.DocTestFinder(exclude_empty=True).find(getattr(rb, name), name, globs={})
    runs = [doctest.DocTestRunner().run(test, out=told.append) for test in tests]
    assert sum(run.attempted for run in runs) > 1
    assert not any(run.failed for run in runs), "".join(told)


def test_a_broken_example_is_seen(desk: Path) -> None:
    """The runner reports an answer that is not the one written down."""
    test = doctest.DocTestParser().get_doctest(">>> 1\n2\n", {}, "broken", str(desk), 0)
    assert doctest.DocTestRunner().run(test, out=lambda _text: None).failed == 1
