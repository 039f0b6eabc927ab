"""How one object names another: by uuid, by nothing, or by a reference that leads nowhere.

Real databases hold references to objects that are gone. Such a reference is neither "none" (which would count as
permission) nor a reason to crash: it becomes `DANGLING`, which no table contains, so that a rule that looks it up
finds nothing and objects.
"""

from __future__ import annotations

from typing import Final

Uuid = str

DANGLING: Final = "dangling"

_APART: Final = "@"


def uuid_apart(uuid: Uuid, pool: Uuid) -> Uuid:
    """What *uuid* is called where another pool, too, has an object of that uuid: with the pool that is meant.

    Example:
        >>> import rebalancer as rb
        >>> rb.inventory.uuid_apart("4983cdd8", "production")
        '4983cdd8@production'
    """
    return f"{uuid}{_APART}{pool}"


def xapi_uuid(uuid: Uuid) -> Uuid:
    """The uuid by which XAPI knows what may have been told apart from a twin.

    Example:
        >>> import rebalancer as rb
        >>> rb.inventory.xapi_uuid(rb.inventory.uuid_apart("4983cdd8", "production"))
        '4983cdd8'
    """
    return uuid.partition(_APART)[0]
