"""Finding a VM or a host by what people type: a uuid, the start of one, or a name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from rebalancer.errors import InputError
from rebalancer.inventory import VM, Host, Pool
from rebalancer.policy.selectors import close_matches

SHORTEST_UUID_START = 8

Named = TypeVar("Named", VM, Host)


def find_vm(pool: Pool, text: str) -> VM:
    """The guest that *text* names.

    Raises:
        InputError: none, or several.
    """
    return _find("VM", text, pool.guests())


def find_host(pool: Pool, text: str) -> Host:
    """The host that *text* names.

    Raises:
        InputError: none, or several.
    """
    return _find("host", text, pool.hosts.values())


def _find(kind: str, text: str, objects: Iterable[Named]) -> Named:
    """The one object whose uuid starts with *text* or whose name is *text*."""
    candidates = list(objects)
    found = [each for each in candidates if text in (each.name, each.uuid)] or [
        each for each in candidates if len(text) >= SHORTEST_UUID_START and each.uuid.startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{kind} {text!r}",
            f"{len(found)} {kind}s have this name",
            "Use one of the uuids " + ", ".join(each.uuid for each in found),
        )
    close = close_matches(text, (each.name for each in candidates))
    counted = f"The pool has {len(candidates)} {kind}s; name one of them or its uuid"
    hint = f"{close[0].upper()}{close[1:]}" if close else counted
    raise InputError(f"{kind} {text!r}", f"no {kind} of the pool has this name or uuid", hint)
