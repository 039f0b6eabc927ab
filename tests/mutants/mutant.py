"""Rules with one thing wrong, as they can be put in the place of the right ones while Python runs."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import rebalancer
from rebalancer.rules import LIVE, TO_ANOTHER_POOL, WITH_STORAGE, Rule
from tests.mutants.flips import Flip, flips

CATALOGUES: dict[str, tuple[Rule, ...]] = {
    "LIVE": LIVE,
    "WITH_STORAGE": WITH_STORAGE,
    "TO_ANOTHER_POOL": TO_ANOTHER_POOL,
}
PACKAGE = Path(str(rebalancer.__file__)).parent
ROOMS = "rules", "legality"
NO_RULES = frozenset({"__init__", "matrix", "report", "table"})
"""Modules that tell of verdicts and give none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One wrong rule.

    `reach` is the file, and the start of the names, of the functions one of which a test has to call to notice it; None
    for a constant, which whoever reads it may notice.
    """

    rule: str
    place: str
    line: int
    words: str
    reach: tuple[str, str] | None
    put_in: Callable[[], None]

    @property
    def key(self) -> tuple[str, str]:
        """Where it differs from the rule, and how, whatever the line."""
        return f"{self.rule}: {self.place}", self.words


@cache
def modules() -> tuple[ModuleType, ...]:
    """All modules that give verdicts."""
    files = [path for room in ROOMS for path in sorted((PACKAGE / room).rglob("*.py")) if path.stem not in NO_RULES]
    names = (path.relative_to(PACKAGE.parent).with_suffix("") for path in files)
    return tuple(import_module(".".join(name.parts)) for name in names)


def mutants() -> Iterator[Mutant]:
    """All of them, module by module."""
    rules = [(name, rule) for name, rules in CATALOGUES.items() for rule in rules]
    for module in modules():
        yield from (_dropped(rule, name, module) for name, rule in rules if type(rule).__module__ == module.__name__)
        yield from (_flipped(flip, module) for flip in flips(Path(str(module.__file__))))


def _dropped(rule: Rule, catalogue: str, module: ModuleType) -> Mutant:
    """A catalogue without one rule; of one that inherits all it does, any test may notice it."""
    does = any(isinstance(each, FunctionType) for each in vars(type(rule)).values())
    return Mutant(
        rule=_rule(module),
        place=type(rule).__name__,
        line=inspect.getsourcelines(type(rule))[1],
        words=f"{catalogue} without {type(rule).__name__}()",
        reach=(str(module.__file__), type(rule).__name__) if does else None,
        put_in=partial(_drop, rule),
    )


def _drop(rule: Rule) -> None:
    """Take *rule* out of every tuple that holds it."""
    for module in _loaded():
        for name, value in list(vars(module).items()):
            if isinstance(value, tuple) and any(each is rule for each in value):
                setattr(module, name, tuple(each for each in value if each is not rule))


def _flipped(flip: Flip, module: ModuleType) -> Mutant:
    """A module with one expression flipped."""
    is_function = isinstance(_bare(_find(vars(module), flip.place)), FunctionType)
    return Mutant(
        rule=_rule(module),
        place=flip.place,
        line=flip.line,
        words=flip.words,
        reach=(str(module.__file__), flip.place) if is_function else None,
        put_in=partial(_flip, flip.code, flip.place, module),
    )


def _flip(code: CodeType, place: str, module: ModuleType) -> None:
    """Give one function its wrong code, or one constant its wrong value wherever it was imported."""
    wrong: dict[str, object] = {"__name__": module.__name__, "__package__": module.__package__}
    exec(code, wrong)  # noqa: S102 - the code is the module's own
    old, new = _find(vars(module), place), _find(wrong, place)
    owner, _, name = place.rpartition(".")
    function, other = _bare(old), _bare(new)
    if isinstance(function, FunctionType) and isinstance(other, FunctionType):
        function.__code__ = other.__code__
    elif owner:
        setattr(vars(module)[owner], name, new)
    else:
        for each in _loaded():
            if vars(each).get(name) is old:
                setattr(each, name, new)


def _loaded() -> list[ModuleType]:
    """All modules that could have imported something of the rules."""
    return [module for name, module in list(sys.modules.items()) if name.split(".")[0] in ("rebalancer", "tests")]


def _find(names: dict[str, object], place: str) -> object:
    """What stands at a dotted name."""
    owner, _, name = place.rpartition(".")
    return inspect.getattr_static(names[owner], name) if owner else names[name]


def _bare(value: object) -> object:
    """The function behind a property, a class method or a cache; anything else as it is."""
    for wrapping in ("__wrapped__", "__func__", "fget"):
        value = getattr(value, wrapping, value)
    return value


def _rule(module: ModuleType) -> str:
    """The name of a module inside the rules."""
    return module.__name__.removeprefix("rebalancer.").removeprefix("rules.")
