"""A preset gives the keys that a policy does not give itself, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from rebalancer.errors import PolicyError
from rebalancer.policy import PRESETS, Policy, keys_of, policy_digest
from rebalancer.policy.sections import DemandForm

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "policy.md").read_text(encoding="utf-8")


def test_calmer_presets_ask_more_of_a_move() -> None:
    """All three plan by the same days, and only prices tell them apart, from calm to eager."""
    calm, balanced, eager = (PRESETS[name] for name in ("conservative", "balanced", "aggressive"))
    assert {(each.form, each.threshold) for each in PRESETS.values()} == {(DemandForm.DAYS, 0.7)}
    assert calm.pcpu_hours_per_gib > balanced.pcpu_hours_per_gib > eager.pcpu_hours_per_gib
    assert calm.pcpu_hours_per_move > balanced.pcpu_hours_per_move > eager.pcpu_hours_per_move


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_gives_every_key_of_it(name: str) -> None:
    """Its values pass the checks of a policy file, and are those that count."""
    policy = Policy.model_validate({"preset": name})
    assert all(each.value == each.of_preset for each in keys_of(PRESETS[name], policy))
    assert Policy.model_validate_json(json.dumps(policy.given()), strict=True) == policy
    others = {key: value for key, value in policy if key not in {"preset", "objective", "limits", "demand"}}
    assert others == {key: value for key, value in Policy() if key in others}


def test_keys_of_the_file_count_before_those_of_the_preset(write: Callable[[str], Path]) -> None:
    """Also where they give the default, and whichever section they are in."""
    text = 'preset = "aggressive"\n[objective]\npcpu_hours_per_gib = 0.001\n[limits]\nmaximum_moves = 3\n'
    policy, preset = Policy.load(write(text)), PRESETS["aggressive"]
    assert policy.objective.pcpu_hours_per_gib == 0.001
    assert policy.objective.threshold == preset.threshold
    assert (policy.limits.maximum_moves, policy.limits.cool_down_hours) == (3, preset.cool_down_hours)
    told = [str(each) for each in keys_of(preset, policy)]
    assert "objective.pcpu_hours_per_gib = 0.001 (given; the preset says 0.02)" in told
    assert "objective.threshold = 0.7" in told


@pytest.mark.parametrize(
    ("demand", "form"),
    [
        ("", DemandForm.DAYS),
        ("[demand]\nwindow_days = 14", DemandForm.DAYS),
        ("[demand]\nhalf_life_days = 7.0", DemandForm.DAYS),
        ("[demand]\nslots = 168\nwindow_days = 14", DemandForm.PERCENTILE),
        ("[demand]\npercentile = 95.0", DemandForm.PERCENTILE),
        ('[demand]\nform = "percentile"', DemandForm.PERCENTILE),
    ],
)
def test_a_preset_does_not_say_the_form_where_other_keys_do(
    write: Callable[[str], Path], demand: str, form: DemandForm
) -> None:
    """Who says how percentiles are taken means percentiles, also where it is their default; `policy check` tells it."""
    policy = Policy.load(write(f'preset = "aggressive"\n{demand}'))
    assert policy.demand.form is form
    assert Policy.model_validate_json(json.dumps(policy.spelled_out().given()), strict=True).demand.form is form
    told = {each.key: str(each) for each in keys_of(PRESETS["aggressive"], policy)}["demand.form"]
    given = ' (given; the preset says "days")' if form is DemandForm.PERCENTILE else ""
    assert told == f'demand.form = "{form}"{given}'


def test_a_policy_keeps_the_values_that_it_was_made_with() -> None:
    """What a plan carries names the preset and every value, so that a later table changes nothing in it."""
    policy = Policy(preset="conservative")
    written = policy.spelled_out().given()
    assert written["objective"]["pcpu_hours_per_gib"] == PRESETS["conservative"].pcpu_hours_per_gib
    written["objective"]["pcpu_hours_per_gib"] = 7.0
    assert Policy.model_validate(written).objective.pcpu_hours_per_gib == 7.0
    assert policy_digest(policy) != policy_digest(Policy(preset="balanced"))


def test_an_unknown_preset_is_refused(write: Callable[[str], Path]) -> None:
    """By name, with those that there are."""
    with pytest.raises(PolicyError, match=r"preset .*'conservative', 'balanced' or 'aggressive'"):
        Policy.load(write('preset = "brave"'))


def test_the_manual_shows_the_table() -> None:
    """Sentence and numbers of each preset, as they are in the code."""
    section = MANUAL.partition("\n## Presets\n")[2].partition("\n## ")[0]
    assert f"| in a sentence | {' | '.join(each.sentence for each in PRESETS.values())} |" in section
    for key in (
        "form",
        "threshold",
        "pcpu_hours_per_gib",
        "pcpu_hours_per_move",
        "minimum_gain_pcpu_hours",
        "cool_down_hours",
    ):
        row = re.search(rf"^\| `\w+\.{key}` \| (.*) \|$", section, re.MULTILINE)
        assert row, key
        assert row[1].split(" | ") == [str(getattr(each, key)) for each in PRESETS.values()]
