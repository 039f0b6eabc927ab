"""Who is shut down while hosts are worked on: shown to whoever is at the terminal, who is asked once."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from rebalancer.cli.output import say
from rebalancer.face.rolling.kept import KeptRolling, KeptStage
from rebalancer.face.rolling.site import Progress, Site
from rebalancer.face.rolling.trace import Event
from rebalancer.units import counted, duration_in_words
from rebalancer.whatif.pinned import ShutDown
from rebalancer.whatif.rolling_index import rolling_digest


def is_agreed(kept: KeptRolling, site: Site, *, unasked: bool) -> bool:
    """Whether VMs that are still on may be shut down, as the lists of *kept* say; a yes is kept in the trace.

    Nobody is asked where no terminal is, where *unasked* stands for a yes, or where there was one before.

    Raises:
        PlanFileError: a file is not as it was written.
        InputError: the trace cannot be read or written.
    """
    progress, digest = Progress(kept, site), rolling_digest(kept.itinerary, kept.index())
    ahead = [stage for stage in progress.stages if stage.shut_down and not progress.has(Event.OFF, stage)]
    if not ahead or progress.has_agreed(digest) or not (unasked or sys.stdin.isatty()):
        return True
    if not (unasked or _asked(ahead)):
        return False
    progress.note(Event.AGREED, digest=digest)
    return True


def _asked(stages: Sequence[KeptStage]) -> bool:
    vms = [each for stage in stages for each in stage.shut_down]
    who = counted(len(vms), "VM cannot leave its host and is", "VMs cannot leave their hosts and are")
    say(f"{who} shut down meanwhile, in this order, those of one order at once, and started there again:")
    for stage in stages:
        for each in stage.shut_down:
            say(f"  {stage.host_name}: {in_words(each)}")
    off = duration_in_words(sum(each.seconds for each in vms))
    return typer.confirm(f"Off for about {off} together. Shut them down when it is their turn?", err=True)


def in_words(each: ShutDown) -> str:
    """A VM that is shut down meanwhile: what decides when, for how long that is, and what becomes of a deaf guest."""
    protection = f"HA {each.restart_priority}" if each.restart_priority else "no HA"
    delay = f"start_delay {duration_in_words(each.start_delay) if each.start_delay else '0 s'}"
    deaf = "; switched off if its guest does not react" if each.hard else ""
    off = f"off for about {duration_in_words(each.seconds)}{deaf}"
    return f"{each.vm_name}, order {each.order}, {delay}, {protection}, {off}"
