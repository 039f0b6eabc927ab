"""Who holds the lock of a pool, as the value of its key says."""

from __future__ import annotations

import json
import os
import pwd
import socket
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from rebalancer.execute.journal.folders import state_folder
from rebalancer.sanitise import one_line

SHOWN = 100
"""Characters of a value that is not ours and is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A run that writes to a pool.

    Args:
        run: id of the run; it stands in its journal.
        host: name of the machine that it runs on.
        user: who runs it there.
        process: its process id there; of the first process, where the run was taken up.
        folder: its state folder there, whose lock file it holds.
        plan: digest of its plan.
        since: when it took the lock, by the coordinator's clock, in ISO 8601.
    """

    run: str
    host: str = ""
    user: str = ""
    process: str = ""
    folder: str = ""
    plan: str = ""
    since: str = ""

    @classmethod
    def here(cls, run: str, plan: str, state_dir: Path | None, since: str) -> Self:
        """This process."""
        folder = str(state_folder(state_dir).resolve())
        who = {"host": socket.gethostname(), "user": _user(), "process": str(os.getpid()), "folder": folder}
        return cls(run=run, plan=plan, since=since, **who)

    @classmethod
    def told(cls, text: str) -> Self:
        """Who *text* says; of a text that is none of ours, the text itself is the run."""
        try:
            raw = json.loads(text)
            known = {each.name: one_line(str(raw[each.name]))[:SHOWN] for each in fields(cls) if each.name in raw}
            return cls(**known)
        except (ValueError, TypeError, RecursionError):
            return cls(run=one_line(text)[:SHOWN])

    @property
    def text(self) -> str:
        """The value of the key."""
        return json.dumps(asdict(self))

    def is_taken_up_by(self, other: Holder) -> bool:
        """Whether *other*, which holds the lock file of its state folder, is the same run after a kill.

        The lock file is free only where the former process is dead, and that holds on one machine only.
        """
        return (self.run, self.host, self.folder) == (other.run, other.host, other.folder)

    def __str__(self) -> str:
        where = f" of {self.user} on {self.host} (process {self.process})" if self.host else ""
        plan = f", plan {self.plan}" if self.plan else ""
        return f"run {self.run}{where}{plan}"


def _user() -> str:
    """The name of the user; the number where there is no name, as in some containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
