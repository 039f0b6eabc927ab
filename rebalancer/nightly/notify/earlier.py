"""What earlier nights of a policy came to, as far as telling people rests on it."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rebalancer.errors import InputError
from rebalancer.execute import make_state_folder, state_folder
from rebalancer.files.documents import json_in
from rebalancer.files.kinds import EARLIER
from rebalancer.files.reading import bytes_of
from rebalancer.files.writing import write_whole
from rebalancer.nightly.ending import NightEnd

KEPT: Final = 60
"""Nights that are remembered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierNight:
    """A night before: when it ended and how, and what became of its plan."""

    ended: datetime
    verdict: str
    exit_code: int
    moved: int
    left: int
    failed: bool

    @classmethod
    def of(cls, night: NightEnd) -> EarlierNight:
        """What is remembered of *night*."""
        return cls(
            ended=night.ended,
            verdict=night.verdict,
            exit_code=int(night.exit_code),
            moved=night.done,
            left=night.left,
            failed=night.failed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierNights:
    """The nights before, the oldest first, and when a digest was told last; None where none was."""

    nights: tuple[EarlierNight, ...] = ()
    digest_at: datetime | None = None

    def with_night(self, night: NightEnd) -> EarlierNights:
        """These and *night*."""
        return replace(self, nights=(*self.nights, EarlierNight.of(night))[-KEPT:])

    @property
    def failures_in_a_row(self) -> int:
        """How many of the last nights failed, up to the first that did not."""
        return next((number for number, each in enumerate(reversed(self.nights)) if not each.failed), len(self.nights))


def earlier_nights(policy: str, url: str, state_dir: Path | None = None) -> EarlierNights:
    """What is remembered of the nights of *policy* at *url*; nothing where that cannot be read."""
    try:
        told = json_in(bytes_of(_file(policy, url, state_dir), EARLIER), EARLIER)
        nights = tuple(
            EarlierNight(**{**each, "ended": datetime.fromisoformat(each["ended"])}) for each in told["nights"]
        )
        last = told["digest_at"]
        return EarlierNights(nights=nights, digest_at=datetime.fromisoformat(last) if last else None)
    except (InputError, ValueError, TypeError, KeyError):
        return EarlierNights()


def keep_nights(nights: EarlierNights, policy: str, url: str, state_dir: Path | None = None) -> None:
    """Remember *nights*; what cannot be written is not."""
    told = [asdict(each) | {"ended": each.ended.astimezone(UTC).isoformat()} for each in nights.nights]
    digest_at = nights.digest_at.astimezone(UTC).isoformat() if nights.digest_at else None
    file = _file(policy, url, state_dir)
    with suppress(OSError, InputError):
        make_state_folder(file.parent)
        write_whole(file, json.dumps({"nights": told, "digest_at": digest_at}).encode())


def _file(policy: str, url: str, state_dir: Path | None) -> Path:
    name = hashlib.sha256(f"{policy}\0{url}".encode()).hexdigest()[:16]
    return state_folder(state_dir) / "told" / f"{name}.json"
