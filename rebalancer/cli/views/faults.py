"""Faults of a simulated pool, as the command line takes and tells them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rebalancer.errors import InputError
from rebalancer.simulator import FAULTS, SUBJECTS, TRIGGERS, Simulator

HOW = "`--fault list` prints what there is"


def want_faults(simulator: Simulator, texts: Sequence[str]) -> None:
    """Let happen in a simulated pool what *texts* say.

    Raises:
        InputError: one says nothing that can happen there.
    """
    for text in texts:
        try:
            simulator.go_wrong(text)
        except ValueError as error:
            raise InputError(f"--fault {text}", str(error), HOW) from error


def fault_lines() -> Iterator[str]:
    """Every kind of fault with what happens, its settings below it; last what all kinds take."""
    for kind in FAULTS.values():
        yield f"{kind.name}: {kind.words}"
        for name, setting in kind.settings.items():
            yield f"    {name}{f'={setting.default}' if setting.default else ''}: {setting.words}"
    yield "every fault takes:"
    for name, words in {**SUBJECTS, **TRIGGERS}.items():
        yield f"    {name}: {words}"
