"""What XenCenter sets for a pool, and which of it our policy knows.

A pool's keys are kept and returned as they came. Two of them change how its plans are made; two ask for what this
server never does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import rebalancer as rb
from rebalancer.policy import Mode

MODE: Final = "OptimizationMode"
THRESHOLD: Final = "HostCpuThresholdCritical"
"""Share of the CPUs of a host: XenCenter writes 0.9 and shows 90 %; above 1 it is per cent."""
MODES: Final = {"0": Mode.BALANCE, "1": Mode.CONSOLIDATE}
"""Maximum performance, and maximum density."""
NEVER: Final = {
    "AutoBalanceEnabled": "it moves no VM by itself; `rebalancer nightly` does, on a machine of yours",
    "PowerManagementEnabled": "it switches no host on or off",
}
SHOWN: Final = {"AutoBalanceSeverity": "High", "AutoBalanceAggressiveness": "Medium"}
"""XenCenter reads these words, and has no page of settings without them; nothing here goes by them."""
MOST_KEYS, MOST_LENGTH = 500, 1000
LEAST_SHARE: Final = 0.01


class Unacceptable(Exception):
    """A value cannot be taken; the text says which, and why."""


def shown(policy: rb.Policy, kept: Mapping[str, str]) -> dict[str, str]:
    """The configuration of a pool whose plans follow *policy*, and that has *kept* some keys with us."""
    own = {
        MODE: next((key for key, mode in MODES.items() if mode is policy.mode), "0"),
        THRESHOLD: f"{policy.objective.threshold:g}",
        **dict.fromkeys(NEVER, "false"),
        **SHOWN,
    }
    return {**own, **kept}


def accepted(kept: Mapping[str, str], sent: Mapping[str, str]) -> dict[str, str]:
    """What is kept from now on.

    Raises:
        Unacceptable: a value is none for its key, or there are too many of them.
    """
    for key, words in NEVER.items():
        if sent.get(key, "false").strip().lower() not in {"false", "0"}:
            raise Unacceptable(f"{key} cannot be switched on here: {words}")
    if sent.get(MODE, "0") not in MODES:
        raise Unacceptable(f"{MODE} is {sent[MODE]!r}, and can be 0 (performance) or 1 (density)")
    _share(sent.get(THRESHOLD, "1"))
    both = {**kept, **sent}
    if len(both) > MOST_KEYS or any(len(text) > MOST_LENGTH for pair in both.items() for text in pair):
        raise Unacceptable(f"a pool may keep {MOST_KEYS} keys here, of {MOST_LENGTH} characters each")
    return both


def policy_under(policy: rb.Policy, kept: Mapping[str, str]) -> rb.Policy:
    """*policy* with what a pool has set."""
    changed: dict[str, object] = {}
    if MODE in kept:
        changed["mode"] = MODES[kept[MODE]]
    if THRESHOLD in kept:
        changed["objective"] = policy.objective.model_copy(update={"threshold": _share(kept[THRESHOLD])})
    return policy.model_copy(update=changed)


def _share(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    share = number if number <= 1.0 else number / 100.0
    if not LEAST_SHARE <= share <= 1.0:
        raise Unacceptable(f"{THRESHOLD} is {text!r}, and can be 0.01 to 1, or up to 100 for per cent of a host's CPUs")
    return share
