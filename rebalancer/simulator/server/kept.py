"""A simulated pool as it was left: in a file, from which it goes on.

The file is that of a simulated pool, with more in it: what its clock showed, where its VMs were when, which hosts are
down, and its certificate. Sessions and tasks end, as with a toolstack that restarts.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.files.writing import PRIVATE
from rebalancer.simulator.migration import boots
from rebalancer.simulator.server.simulator import Simulator
from rebalancer.simulator.state.pool import REMEDY, SimulatedPool, read_pool_file, write_pool_file
from rebalancer.simulator.state.toolstack import restart
from rebalancer.simulator.state.world import World

FLEETING: Final = ("session", "task", "event")
"""Classes whose objects do not outlive a restart."""
SETTLE_SECONDS: Final = 5.0
"""How long migrations under way may take to notice that the toolstack restarts; they look around much more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A simulated pool that can go on.

    Args:
        pool: records and load.
        made_of: what it was made of, in words that a command line compares.
        now: what its clock showed, seconds since the epoch.
        stays: {VM uuid: since when it was where, oldest first}.
        recorded: data sources that are recorded other than XAPI has it: [uuid, name, whether].
        down: refs of hosts that are down.
        kept_disabled: refs of hosts that somebody disabled for good.
        certificate: key and certificate in PEM; empty where it spoke no TLS.
    """

    pool: SimulatedPool
    made_of: str
    now: float
    stays: Mapping[str, Sequence[tuple[float | None, str]]] = field(default_factory=dict)
    recorded: Sequence[tuple[str, str, bool]] = ()
    down: Sequence[str] = ()
    kept_disabled: Sequence[str] = ()
    certificate: str = ""

    def put_into(self, simulator: Simulator) -> None:
        """Let *simulator*, which was made with this pool, know the rest."""
        world = simulator.world
        world.load.put_stays(self.stays)
        world.recorded.update({(uuid, name): on for uuid, name, on in self.recorded})
        world.down.update(self.down)
        world.kept_disabled.update(self.kept_disabled)


def keep(simulator: Simulator, path: Path, made_of: str) -> None:
    """Write what *simulator* plays to *path*, as a restart of its toolstack leaves it: no move, no boot is half-way.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> simulator = rb.simulator.Simulator(rb.simulator.demo_pool(), user="root", password="secret")
        >>> rb.simulator.keep(simulator, Path("played.json.gz"), made_of="demo")
        >>> rb.simulator.kept_in(Path("played.json.gz")).made_of
        'demo'

    Raises:
        OSError: it cannot be written.
    """
    world = simulator.world
    restart(world, "stayed")
    _settle(world)
    for host in sorted(world.booting):
        boots.come_up(world, host)
    with world.database.lock:
        records = {cls: world.database.all(cls) for cls in world.database.classes if cls not in FLEETING}
    more = {
        "made_of": made_of,
        "now": world.clock(),
        "stays": world.load.stays,
        "recorded": [(uuid, name, on) for (uuid, name), on in sorted(world.recorded.items())],
        "down": sorted(world.down),
        "kept_disabled": sorted(world.kept_disabled),
        "certificate": simulator.certificate.decode(),
    }
    write_pool_file(world.load.as_pool(records), path, more, mode=PRIVATE)


def kept_in(path: Path) -> Kept | None:
    """What was kept in *path*; None where there is no such file.

    Example:
        >>> from pathlib import Path
        >>> import rebalancer as rb
        >>> print(rb.simulator.kept_in(Path("never-played.json.gz")))
        None

    Raises:
        InputError: it cannot be read, or holds something else.
    """
    if not path.exists():
        return None
    pool, document = read_pool_file(path)
    try:
        return Kept(
            pool=pool,
            made_of=str(document["made_of"]),
            now=float(document["now"]),
            stays={vm: [(when, str(host)) for when, host in known] for vm, known in document["stays"].items()},
            recorded=[(str(uuid), str(name), bool(on)) for uuid, name, on in document["recorded"]],
            down=[str(each) for each in document["down"]],
            kept_disabled=[str(each) for each in document.get("kept_disabled", ())],
            certificate=str(document["certificate"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(str(path), "holds no simulated pool that was left", REMEDY) from error


def _settle(world: World) -> None:
    """Wait until whatever was under way has noticed that it is over."""
    until = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < until and any(vm["current_operations"] for _, vm in world.database.items("VM")):
        world.wait(0.01)
