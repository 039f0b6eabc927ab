"""Answers that nobody can read."""

from __future__ import annotations

from typing import Final

LONGEST_KEY: Final = 80
"""How much of a key an error shows."""


class Malformed(Exception):
    """An answer that is none of XAPI's, or that cannot be read without a guess.

    Args:
        problem: what is wrong with it.
        key: the member name that spoils it, as far as one can tell where it ends; empty where none does.
    """

    def __init__(self, problem: str, key: str = "") -> None:
        super().__init__(problem)
        self.key = key
