"""What a run tells of itself while it lasts: who runs it, how far its steps are, what they wait for.

It stands in the state folder, in `runs/DIGEST.json`, beside `runs/DIGEST.plan.json`, a copy of the plan. The journal is
the evidence; this is only for people who look, written over every few seconds and not through to the disk. Format
`rebalancer-run/1`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from rebalancer.errors import InputError
from rebalancer.execute.journal.folders import make_state_folder, state_folder
from rebalancer.files.documents import Unfit, json_in
from rebalancer.files.kinds import NOTES
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_fleeting

FORMAT = "rebalancer-run/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanOrigin:
    """Where a plan comes from: its `folder`, and what to type to go on with it; "" where nobody says so."""

    folder: str = ""
    resume: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """A run of the plan with digest `plan`, as it was `at` a moment.

    Args:
        plan: the digest.
        journal: the file that the run writes to.
        began_at: when.
        at: when this was written.
        user: who runs it.
        host: on which machine.
        process: its process id there.
        origin: where the plan comes from.
        progress: how far steps are that were begun, 0 to 1, by id.
        waits: why nothing can be done for steps just now, by id.
        stopping: why nothing more is started; "" while something is.
    """

    plan: str
    journal: str
    began_at: datetime
    at: datetime
    user: str = ""
    host: str = ""
    process: str = ""
    origin: PlanOrigin = field(default_factory=PlanOrigin)
    progress: Mapping[str, float] = field(default_factory=dict)
    waits: Mapping[str, str] = field(default_factory=dict)
    stopping: str = ""


def notes_path(digest: str, state_dir: Path | None = None) -> Path:
    """Where the run of the plan with *digest* leaves its notes."""
    return _named(digest, state_dir, ".json")


def copy_path(digest: str, state_dir: Path | None = None) -> Path:
    """Where the run of the plan with *digest* leaves a copy of it."""
    return _named(digest, state_dir, ".plan.json")


def _named(digest: str, state_dir: Path | None, suffix: str) -> Path:
    return state_folder(state_dir) / "runs" / f"{digest.removeprefix('sha256:')}{suffix}"


def write_notes(notes: Notes, state_dir: Path | None = None) -> None:
    """Write *notes* in the place of earlier ones; where that cannot be done, the run goes on without."""
    text = json.dumps({"format": FORMAT, **asdict(notes)}, default=datetime.isoformat)
    keep(notes_path(notes.plan, state_dir), text)


def keep(path: Path, text: str) -> None:
    """Write *text* for people who look; where that cannot be done, it is left out."""
    with suppress(OSError, InputError):
        make_state_folder(path.parent)
        write_fleeting(path, text.encode())


def read_notes(digest: str, state_dir: Path | None = None) -> Notes | None:
    """The notes of the run of the plan with *digest*; None where there are none that can be used."""
    path = notes_path(digest, state_dir)
    try:
        return _told(json_in(bytes_of(path, NOTES), NOTES))
    except (InputError, Unfit, ValueError, KeyError, TypeError, AttributeError):
        return None


def _told(raw: Any) -> Notes | None:  # noqa: ANN401 - whatever stands in the file
    if raw["format"] != FORMAT:
        return None
    origin = {name: str(raw["origin"][name]) for name in ("folder", "resume")}
    texts = {name: str(raw[name]) for name in ("plan", "journal", "user", "host", "process", "stopping")}
    return Notes(
        **texts,
        began_at=_moment(raw["began_at"]),
        at=_moment(raw["at"]),
        origin=PlanOrigin(**origin),
        progress={str(step): min(1.0, max(0.0, float(share))) for step, share in raw["progress"].items()},
        waits={str(step): str(words) for step, words in raw["waits"].items()},
    )


def _moment(text: object) -> datetime:
    moment = datetime.fromisoformat(str(text))
    if moment.utcoffset() is None:
        raise ValueError(text)
    return moment
