"""What goes wrong where metrics are read from hosts."""

from __future__ import annotations

from typing import Final

from rebalancer.simulator.state.fault import FaultKind, Occasion, Setting

KINDS: Final = (
    FaultKind(
        name="rrd-error",
        words="`host` answers RRD requests with HTTP 500",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="rrd-unknown",
        words="`host` knows no value yet: every one is NaN",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="rrd-slow",
        words="`host` answers RRD requests `seconds` late",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds", default="1")},
    ),
)
