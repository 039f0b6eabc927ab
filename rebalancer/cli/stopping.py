"""What the terminal says at once when somebody asks a run to end."""

from __future__ import annotations

import os
from contextlib import suppress

from rebalancer.execute import Timeouts, Wish

STANDARD_ERROR = 2
ONCE = (
    "stopping: nothing more is started, and what runs is finished. Ask again to cancel that; its VMs are then watched "
    "until they rest, which can take {seconds:.0f} s"
)
TWICE = "cancelling what runs: its VMs are watched until they rest, which can take {seconds:.0f} s"


def tell_stop(wish: Wish) -> None:
    """Say how the run will end; written past all buffers, because a signal handler may wait for nobody."""
    words = ONCE if wish is Wish.START_NOTHING_MORE else TWICE
    with suppress(OSError):
        os.write(STANDARD_ERROR, f"\n{words.format(seconds=Timeouts().quiet)}\n".encode())
