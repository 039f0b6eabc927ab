"""Numbers that no pool needs are refused by name, before a solver or a calendar overflows."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from rebalancer.policy import Policy


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("limits", "maximum_moves"),
        ("limits", "maximum_gib"),
        ("limits", "cool_down_hours"),
        ("limits", "minimum_gain_pcpu_hours"),
        ("objective", "pcpu_hours_per_gib"),
        ("objective", "pcpu_hours_per_move"),
        ("objective", "level"),
        ("objective", "lower_peak"),
        ("objective", "evacuation_pcpu_hours_per_gib"),
        ("objective", "pcpu_hours_per_last_resort"),
        ("capacity", "cpu_factor"),
        ("capacity", "memory_reserve_mib"),
        ("capacity", "pcpu_reserve"),
        ("storage_motion", "keep_free_gib"),
        ("plan", "expires_hours"),
    ],
)
def test_a_number_beyond_any_pool_is_refused(section: str, key: str) -> None:
    """A hundred is taken everywhere, 10^20 nowhere."""
    Policy.model_validate({section: {key: 100}})
    with pytest.raises(ValidationError, match=key):
        Policy.model_validate({section: {key: 10**20}})
