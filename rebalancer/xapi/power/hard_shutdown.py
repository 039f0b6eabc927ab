"""VMs that are switched off without their guest: one call, for those that a policy names, if it has the word for it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final

from rebalancer.errors import InputError
from rebalancer.inventory import Uuid
from rebalancer.inventory.records import Record
from rebalancer.xapi.power.guest_power import WORDS
from rebalancer.xapi.power.host_power import assert_words

HARD: Final = "hard-shutdown-vm"
"""The word of `execution.power` that permits the call, beside those that permit to shut VMs down and to start them."""
KEY: Final = "rolling.hard_shut_down"


class HardShutdowns:
    """The door to `VM.hard_shutdown`; it opens only where *allowed* has all words for it, and for those in *named*.

    Args:
        task_of: sends a message once.
        ref_of: the ref of an object.
        record_of: the record behind a ref.
        allowed: the words of a policy.
        named: the VMs that it names, each by its uuid or its name.

    Raises:
        InputError: a word is missing, or nobody is named.
    """

    def __init__(
        self,
        task_of: Callable[..., str],
        ref_of: Callable[[str, Uuid], str],
        record_of: Callable[[str, str], Record],
        allowed: Collection[str],
        named: Collection[str],
    ) -> None:
        assert_words(allowed, (*WORDS, HARD))
        if not named:
            raise InputError(KEY, "the policy names no VM", "Name each VM that may be switched off without its guest")
        self._task_of, self._ref_of, self._record_of, self._named = task_of, ref_of, record_of, named

    def switch_off(self, vm: Uuid) -> str:
        """Switch *vm* off, once, and return the task; what its guest has not written to its disks is lost.

        Raises:
            InputError: the policy does not name it.
            RefusedByXapi: XAPI does not take the call.
            Unreachable: nothing was sent.
            OutcomeUnknown: it was sent, and no answer came.
        """
        ref = self._ref_of("VM", vm)
        name = str(self._record_of("VM", ref).get("name_label", ""))
        if vm not in self._named and name not in self._named:
            raise InputError(KEY, f"it does not name {name}", "It is not switched off")
        return self._task_of("Async.VM.hard_shutdown", ref)
