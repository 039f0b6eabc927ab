"""What is told of VMs that are off wherever the work on all hosts ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import typer

from rebalancer.cli.output import say
from rebalancer.cli.views.downtimes import off_now
from rebalancer.errors import RebalancerError
from rebalancer.face.rolling.downtime import downtimes
from rebalancer.face.rolling.kept import KeptRolling
from rebalancer.face.rolling.site import Site


@contextmanager
def telling_who_is_off(kept: KeptRolling, site: Site) -> Iterator[None]:
    """Say which VMs are off where the block ends in an error, or by Ctrl-C."""
    try:
        yield
    except (RebalancerError, KeyboardInterrupt, typer.Abort):
        with suppress(RebalancerError):
            if words := off_now(downtimes(kept, site.clock.now())):
                say(words)
        raise
