"""Policies that Python makes: what cannot be used is told as of a file, in one sentence."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from rebalancer.errors import PolicyError
from rebalancer.policy import DemandPolicy, LimitsPolicy, Policy, WindowPolicy
from rebalancer.policy.limits import HostLoadPolicy


def below(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - of any field
    """The section that a field holds, or those of which it is a list."""
    kinds = (annotation, *get_args(annotation))
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def wrong_everywhere(section: type[BaseModel] = Policy) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every key with dots, and what to give so that its value is one that no key may have."""
    for name, field in section.model_fields.items():
        kind = below(field.annotation)
        if kind is None:
            yield name, {name: object()}
            continue
        for key, values in wrong_everywhere(kind):
            listed = get_origin(field.annotation) is tuple
            yield f"{name}{'[1]' if listed else ''}.{key}", {name: [values] if listed else values}


EVERY_KEY = dict(wrong_everywhere())


@pytest.mark.parametrize("key", EVERY_KEY)
def test_every_key_is_named_with_what_it_was_given(key: str) -> None:
    """In one line, whichever section it stands in."""
    with pytest.raises(PolicyError) as refused:
        Policy(**EVERY_KEY[key])
    assert str(refused.value).startswith("Policy: ")
    assert f"{key} should be " in str(refused.value) or f"{key}: " in str(refused.value)
    assert "<object object" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"mode": "balanced"}, 'mode = "balanced"'),
        ({"maximum_moves": 20}, "maximum_moves = 20"),
        ({"limits": {"gap": 5}}, "limits.gap = 5"),
        ({"limits": {"seed": "one"}}, 'limits.seed = "one"'),
        ({"demand": {"slots": 168, "window_days": 3}}, "demand.slots = 168\ndemand.window_days = 3"),
        ({"apart": [{"name": "db", "vms": []}]}, '[[apart]]\nname = "db"\nvms = []'),
        ({"limits": {"vms_per_host": {}}}, "[limits.vms_per_host]"),
        ({"other_pools": {"enabled": True}}, "other_pools.enabled = true"),
    ],
)
def test_it_is_said_as_of_a_file(values: dict[str, Any], text: str, write: Callable[[str], Path]) -> None:
    """The same keys and remedies, with the class in place of the path."""
    path = write(text)
    with pytest.raises(PolicyError) as of_the_file:
        Policy.load(path)
    with pytest.raises(PolicyError) as of_python:
        Policy(**values)
    assert str(of_python.value) == str(of_the_file.value).replace(str(path), "Policy")


@pytest.mark.parametrize(
    ("section", "values", "words"),
    [
        (DemandPolicy, {"slots": 48}, "DemandPolicy: slots should be 24 or 168, not 48"),
        (DemandPolicy, {"slot": 24}, "DemandPolicy: unknown key slot (near to it: 'slots'). Known keys: budget,"),
        (DemandPolicy, {"same_weekday": True}, "DemandPolicy: same_weekday needs window_days of at least 14."),
        (LimitsPolicy, {"host_load": DemandPolicy()}, "LimitsPolicy: host_load should be a table, not a DemandPolicy."),
        (WindowPolicy, {"start": "22:00"}, "WindowPolicy: end is missing. Add it"),
    ],
)
def test_sections_say_the_same(section: type[BaseModel], values: dict[str, Any], words: str) -> None:
    """Those that Python makes by themselves."""
    with pytest.raises(PolicyError) as refused:
        section(**values)
    assert str(refused.value).startswith(words)


def test_sections_within_sections_are_validated_by_pydantic() -> None:
    """Strictly where a file is read, with the whole key, and by its own error where it is asked itself."""
    with pytest.raises(ValidationError, match=r"limits\.host_load\.cpu"):
        Policy.model_validate({"limits": {"host_load": {"cpu": 0}}})
    assert not Policy.__pydantic_custom_init__


def pickled(policy: Policy) -> object:
    """As another process has it."""
    return pickle.loads(pickle.dumps(policy))  # noqa: S301 - what this process has written


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickled])
def test_a_policy_travels_as_it_is(duplicate: Callable[[Policy], Policy]) -> None:
    """With what was given, and no more."""
    policy = Policy(limits={"seed": 4, "host_load": HostLoadPolicy(cpu=0.9)}, demand=DemandPolicy(slots=168))
    assert duplicate(policy) == policy
    assert duplicate(policy).given() == policy.given()
    assert duplicate(policy.model_copy(update={"name": "b"})).limits == policy.limits
