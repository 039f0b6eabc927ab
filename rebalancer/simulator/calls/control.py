"""Calls that no XAPI has: how a test in another process makes things go wrong."""

from __future__ import annotations

from rebalancer.simulator.calls.context import Context, Table
from rebalancer.simulator.state.failure import ApiFailure


def inject(context: Context, kind: str, settings: dict[str, str]) -> None:
    """Add a fault (see `rebalancer.simulator.state.faults.KINDS`): simulator.inject(session, kind, {name: text})."""
    numbers = {name: int(settings.pop(name)) for name in ("times", "skip") if name in settings}
    subject = {name: settings.pop(name) for name in ("vm", "host", "method") if name in settings}
    try:
        context.world.faults.add(kind, **numbers, **subject, **settings)  # type: ignore[arg-type]
    except ValueError as error:
        raise ApiFailure("INTERNAL_ERROR", str(error)) from error


def clear(context: Context) -> None:
    """Forget all faults: simulator.clear(session)."""
    context.world.faults.clear()


TYPES: dict[str, tuple[tuple[str, ...], str]] = {
    "simulator.inject": (("session ref", "string", "(string -> string) map"), "void"),
    "simulator.clear": (("session ref",), "void"),
}
CALLS: Table = {"simulator.inject": inject, "simulator.clear": clear}
