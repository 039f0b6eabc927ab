"""Who holds the lock of a pool, as the value of its key says."""

from __future__ import annotations

import json
import os
import pwd
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from rebalancer.errors import InputError
from rebalancer.execute.journal.folders import state_folder
from rebalancer.execute.journal.history import run_of
from rebalancer.execute.journal.journal import read_journal
from rebalancer.sanitise import one_line

SHORT = len("sha256:") + 12
"""Characters of a digest that tell plans apart."""
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
        journal: its journal there.
        plan: digest of its plan.
        since: when it took the lock, by the coordinator's clock, in ISO 8601.
    """

    run: str
    host: str = ""
    user: str = ""
    process: str = ""
    folder: str = ""
    journal: str = ""
    plan: str = ""
    since: str = ""

    @classmethod
    def here(cls, run: str, plan: str, journal: Path, state_dir: Path | None) -> Self:
        """This process; since when, whoever takes the lock has to say."""
        return cls(
            run=run,
            host=socket.gethostname(),
            user=_user(),
            process=str(os.getpid()),
            folder=str(state_folder(state_dir).resolve()),
            journal=str(journal.resolve()),
            plan=plan,
        )

    @classmethod
    def told(cls, text: str) -> Self:
        """Who *text* says; of a text that is none of ours, the text itself is the run."""
        try:
            raw = json.loads(text)
            known = {each.name: one_line(str(raw[each.name])) for each in fields(cls) if each.name in raw}
            return cls(**known)
        except (ValueError, TypeError, RecursionError):
            return cls(run=one_line(text)[:SHOWN])

    @property
    def text(self) -> str:
        """The value of the key."""
        return json.dumps(asdict(self))

    def is_taken_up_by(self, other: Holder) -> bool:
        """Whether *other*, which holds the lock file of its state folder, is the same run after a kill."""
        return self.run == other.run and self.is_dead_for(other)

    def is_dead_for(self, other: Holder) -> bool:
        """Whether the process is dead, because *other* holds the lock file that it held as long as it lived.

        That they mean the same file takes more than the same machine and folder by name: its journal has to be there.
        """
        if (self.host, self.folder) != (other.host, other.folder):
            return False
        with suppress(InputError, ValueError):
            return run_of(read_journal(Path(self.journal))) == self.run
        return False

    def __str__(self) -> str:
        where = f" of {self.user} on {self.host} (process {self.process})" if self.host else ""
        plan = f", plan {self.plan[:SHORT]}" if self.plan else ""
        return f"run {self.run}{where}{plan}"


def _user() -> str:
    """The name of the user; the number where there is no name, as in some containers."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
