"""How one object names another: by uuid, by nothing, or by a reference that leads nowhere.

Real databases hold references to objects that are gone. Such a reference is neither "none" (which would count as
permission) nor a reason to crash: it becomes `DANGLING`, which no table contains, so that a rule that looks it up
finds nothing and objects.
"""

from __future__ import annotations

from typing import Final

Uuid = str

DANGLING: Final = "dangling"
