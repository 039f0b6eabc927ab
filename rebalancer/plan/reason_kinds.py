"""What a reason is about: reasons name hosts, VMs and figures, and people count them by what they want."""

from __future__ import annotations

from typing import Final

KINDS: Final = (
    ("relieves ", "relieve a host over its threshold"),
    ("levels ", "level the load of two hosts"),
    ("separates it ", "repair a broken rule"),
    ("moves it off ", "repair a broken rule"),
    ("takes it ", "repair a broken rule"),
    ("brings it together ", "repair a broken rule"),
    ("empties ", "empty a host"),
    ("leaves ", "free a host to be switched off"),
    ("makes room on ", "make room for another VM"),
    ("parked on ", "park a VM on the way"),
    ("parked ", "park a VM on the way"),
    ("goes on from ", "bring a parked VM to its host"),
    ("goes home to ", "bring a parked VM home"),
    ("back to ", "take a move back"),
    ("after ", "let VMs restart after a host fails"),
    ("part of ", "belong to the best placement found"),
)
"""How reasons begin, and what each such reason is for; the first that fits counts."""
OTHER: Final = "other"


def kind_of(reason: str) -> str:
    """What a step with this *reason* is for; `OTHER` for words of other versions."""
    return next((kind for start, kind in KINDS if reason.startswith(start)), OTHER)
