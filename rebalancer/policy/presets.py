"""Presets: values of several keys that belong together, under a name. The only place where these values stand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from rebalancer.policy.sections import DemandForm

Levels = tuple[tuple[float, float], ...]
LEVELS: Levels = (
    *((0.80, 2), (0.85, 4), (0.875, 6), (0.90, 8), (0.925, 12), (0.95, 16)),
    *((0.975, 24), (1.00, 32), (1.25, 64), (1.50, 128)),
)
"""Shares of capacity, and what a pCPU-hour costs from each on; docs/objectives.md says how they were chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """What a preset means in a sentence, and the keys that it gives."""

    sentence: str
    form: DemandForm
    threshold: float
    levels: Levels
    pcpu_hours_per_gib: float
    pcpu_hours_per_move: float
    minimum_gain_pcpu_hours: float
    cool_down_hours: float

    @property
    def values(self) -> Mapping[str, Mapping[str, object]]:
        """The value of each key that the preset gives, by section."""
        return {
            "demand": {"form": self.form},
            "objective": {
                "threshold": self.threshold,
                "levels": self.levels,
                "pcpu_hours_per_gib": self.pcpu_hours_per_gib,
                "pcpu_hours_per_move": self.pcpu_hours_per_move,
            },
            "limits": {
                "minimum_gain_pcpu_hours": self.minimum_gain_pcpu_hours,
                "cool_down_hours": self.cool_down_hours,
            },
        }


PRESETS: Mapping[str, Preset] = {
    "conservative": Preset(
        sentence="Few moves, few GiB: only what relieves recorded days a lot; a VM that moved stays for a week.",
        form=DemandForm.DAYS,
        threshold=0.70,
        levels=LEVELS,
        pcpu_hours_per_gib=0.2,
        pcpu_hours_per_move=1.0,
        minimum_gain_pcpu_hours=0.5,
        cool_down_hours=168.0,
    ),
    "balanced": Preset(
        sentence="Recorded days are relieved from 70 % on where that pays for GiB and moves; who moved stays a week.",
        form=DemandForm.DAYS,
        threshold=0.70,
        levels=LEVELS,
        pcpu_hours_per_gib=0.1,
        pcpu_hours_per_move=0.5,
        minimum_gain_pcpu_hours=0.5,
        cool_down_hours=168.0,
    ),
    "aggressive": Preset(
        sentence="As little overload as can be: recorded days are relieved from 70 % on, and GiB count for little.",
        form=DemandForm.DAYS,
        threshold=0.70,
        levels=LEVELS,
        pcpu_hours_per_gib=0.02,
        pcpu_hours_per_move=0.0,
        minimum_gain_pcpu_hours=0.1,
        cool_down_hours=0.0,
    ),
}
"""docs/demand.md says how the values were chosen."""
DEFAULTS = PRESETS["balanced"]
"""What holds where a policy names nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresetKey:
    """A key that a preset gives: what counts, and what the preset says."""

    key: str
    value: object
    of_preset: object

    def __str__(self) -> str:
        changed = "" if self.value == self.of_preset else f" (given; the preset says {_written(self.of_preset)})"
        return f"{self.key} = {_written(self.value)}{changed}"


def keys_of(preset: Preset, policy: object) -> tuple[PresetKey, ...]:
    """Every key of *preset*, with the value that *policy* has for it.

    Example:
        >>> import rebalancer as rb
        >>> preset = rb.policy.PRESETS["conservative"]
        >>> [str(key) for key in rb.policy.keys_of(preset, rb.Policy(preset="conservative"))][-2:]
        ['limits.minimum_gain_pcpu_hours = 0.5', 'limits.cool_down_hours = 168.0']
    """
    return tuple(
        PresetKey(key=f"{section}.{key}", value=getattr(getattr(policy, section), key), of_preset=value)
        for section, values in preset.values.items()
        for key, value in values.items()
    )


def _written(value: object) -> str:
    """*value* as TOML has it; levels as lists of two numbers each."""
    return json.dumps(value)
