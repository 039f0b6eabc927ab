"""A VM of a simulated pool that is to go to another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import XenAPI

from rebalancer.simulator import Simulator
from tests.simulator.storage.motion import Move, Proxy


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """A running guest of one pool, a host of the other with a local SR, and all that has to be mapped."""

    here: Simulator
    there: Simulator
    xapi: Proxy
    other: Proxy
    vm: str
    host: str
    storage: str

    @property
    def vdi_map(self) -> dict[str, str]:
        """All its disks to the one SR."""
        return dict.fromkeys(Move.disks_of(self.here, self.vm), self.storage)

    @property
    def vif_map(self) -> dict[str, str]:
        """Every VIF to the first network that has a PIF on the host."""
        network = next(pif["network"] for _, pif in self.there.database.items("PIF") if pif["host"] == self.host)
        return dict.fromkeys(self.here.database.get("VM", self.vm)["VIFs"], network)

    def params(self, **changes: Any) -> tuple[Any, ...]:  # noqa: ANN401 - of every wire type
        """The six parameters of VM.migrate_send."""
        network = next(
            pif["network"]
            for _, pif in self.there.database.items("PIF")
            if pif["host"] == self.host and pif["management"]
        )
        dest = self.other.host.migrate_receive(self.host, network, {})
        wish = {"vdi_map": self.vdi_map, "vif_map": self.vif_map, "options": {}} | changes
        return self.vm, dest, True, wish["vdi_map"], wish["vif_map"], wish["options"]

    def networks_of(self, vm: str) -> set[str]:
        """The networks of a VM of the other pool."""
        return {self.other.VIF.get_network(ref) for ref in self.other.VM.get_VIFs(vm)}

    def change(self, cls: str, ref: str, **fields: Any) -> None:  # noqa: ANN401 - of every wire type
        """Change a record of the other pool."""
        self.there.database.change(cls, ref, **fields)


def code_of(error: pytest.ExceptionInfo[XenAPI.Failure]) -> str:
    """XAPI's error code."""
    return str(error.value.details[0])
