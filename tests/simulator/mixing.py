"""Recorded pools in which fields have values that the same fields have in other recorded pools."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulator.other_ends import NULL, OTHER_ENDS, Records

LEFT_ALONE = {"uuid", "name_label", "name_description", "allowed_operations"}
DERIVED = {(kind, listed) for _, _, kind, listed in OTHER_ENDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Recorded pools: their records, the class behind each ref, and the values of each field, as JSON."""

    pools: tuple[Records, ...]
    classes: dict[str, str]
    values: dict[tuple[str, str], list[str]]

    @classmethod
    def of(cls, pools: Iterable[Records]) -> Recorded:
        """What is in *pools*."""
        found, values, classes = tuple(pools), dict[tuple[str, str], set[str]](), dict[str, str]()
        for records in found:
            for kind, table in records.items():
                for ref, record in table.items():
                    classes[ref] = kind
                    for field, value in record.items():
                        values.setdefault((kind, field), set()).add(json.dumps(value, sort_keys=True))
        return cls(pools=found, classes=classes, values={key: sorted(each) for key, each in values.items()})


def mix(
    records: Records, known: Recorded, chance: random.Random, *, kinds: Sequence[str], never: set[tuple[str, str]]
) -> str:
    """Give one field of one object of *kinds* another recorded value; what was changed, empty for nothing.

    Fields that *never* change, and lists that follow from who names whom, stay.
    """
    kind = chance.choice([kind for kind in kinds if records.get(kind)])
    ref = chance.choice(sorted(records[kind]))
    field = chance.choice(sorted(records[kind][ref].keys() - LEFT_ALONE))
    if (kind, field) in DERIVED | never:
        return ""
    value = json.loads(chance.choice(known.values[kind, field]))
    records[kind][ref][field] = at_home(value, records, known, chance)
    return f"{kind} {records[kind][ref].get('name_label', ref)}: {field} = {value}"


def at_home(value: Any, records: Records, known: Recorded, chance: random.Random) -> Any:  # noqa: ANN401 - JSON
    """A value with refs of another pool turned into refs of this one, of the same class; lists lose what has none."""
    if isinstance(value, list):
        found = [at_home(each, records, known, chance) for each in value]
        return [each for each in found if each != NULL]
    if isinstance(value, dict):
        return {
            at_home(key, records, known, chance): at_home(each, records, known, chance) for key, each in value.items()
        }
    kind = known.classes.get(value, "") if isinstance(value, str) else ""
    if not kind or value in records.get(kind, {}):
        return value
    return chance.choice(sorted(records[kind])) if records.get(kind) else NULL
