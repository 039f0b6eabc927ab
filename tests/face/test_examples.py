"""Every name of the front door has an example, and it runs."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import rebalancer as rb

ELSEWHERE = {"Check", "Credentials", "Policy", "PoolState", "Proposal"}
"""Values: the examples of what makes them show them."""


@pytest.mark.usefixtures("desk")
@pytest.mark.parametrize("name", sorted(set(rb.__all__) - ELSEWHERE))
def test_the_example_runs(name: str) -> None:
    """In a folder with the snapshot of the demo's pool, nothing else being defined."""
    told: list[str] = []
    (test,) = doctest.DocTestFinder(recurse=False).find(getattr(rb, name), name, globs={})
    failed, tried = doctest.DocTestRunner().run(test, out=told.append)
    assert tried > 1
    assert not failed, "".join(told)


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_values_are_shown_by_what_makes_them(name: str) -> None:
    """They say what they are."""
    assert getattr(rb, name).__doc__


def test_a_broken_example_is_seen(desk: Path) -> None:
    """The runner reports an answer that is not the one written down."""
    test = doctest.DocTestParser().get_doctest(">>> 1\n2\n", {}, "broken", str(desk), 0)
    assert doctest.DocTestRunner().run(test, out=lambda _text: None).failed == 1
