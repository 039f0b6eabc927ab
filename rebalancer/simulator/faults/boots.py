"""What goes wrong when hosts and guests are switched off and on: all of it where it belongs, at the next occasion."""

from __future__ import annotations

from typing import Final

from rebalancer.simulator.state.fault import FaultKind, Occasion, Setting

KINDS: Final = (
    FaultKind(
        name="boot-fails",
        words="`host` does not come back when it boots: nobody answers there, until host.power_on",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="boots-slowly",
        words="`host` takes `seconds` longer to boot",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds", default="60")},
    ),
    FaultKind(
        name="comes-back-old",
        words="`host` boots without what was installed (`--update`)",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="comes-back-unplugged",
        words="`host` boots, and every shared SR stays without its PBD there: VM_REQUIRES_SR",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="comes-back-disabled",
        words="`host` boots, and stays disabled: HOST_DISABLED",
        occasion=Occasion.IN_PLACE,
    ),
    FaultKind(
        name="shutdown-ignored",
        words="the guest of `vm` does not react to VM.clean_shutdown: after `seconds` "
        "VM_FAILED_SHUTDOWN_ACKNOWLEDGMENT; it runs on",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds", default="60")},
    ),
    FaultKind(
        name="shuts-down-slowly",
        words="the guest of `vm` takes `seconds` to shut down after VM.clean_shutdown",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds", default="60")},
    ),
    FaultKind(
        name="starts-slowly",
        words="`vm` takes `seconds` to start",
        occasion=Occasion.IN_PLACE,
        settings={"seconds": Setting(words="seconds", default="60")},
    ),
    FaultKind(
        name="start-fails",
        words="`vm` does not start: `code`; it is off",
        occasion=Occasion.IN_PLACE,
        settings={"code": Setting(words="the error of XAPI", default="SR_BACKEND_FAILURE_46")},
    ),
)
