"""A pool in the middle of a plan: where VMs are, what hosts hold, and which move is legal next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rebalancer.inventory import Uuid
from rebalancer.placement import DiskMove, Migration
from rebalancer.rules import Objection, Rulebook


class State:
    """The pool of *book* while moves are carried out one after another; starts where the VMs are now.

    A VM takes the disks of its move in *moves* along when it goes to the target of that move, and on no other move.
    `effort` counts the questions that were asked; one that takes a judgement of the whole pool, such as whether HA
    still has a plan, counts as many, its `price`.
    """

    def __init__(self, book: Rulebook, moves: Iterable[Migration] = ()) -> None:
        self.book, self.problem = book, book.problem
        self.host_of = dict(self.problem.initial.host_of)
        self._ledger = book.ledger()
        self.price = max((limit.price for _, limit in self._ledger.judged), default=1)
        self.effort = 0
        self._carriers = {move.vm: move for move in moves if move.disks}
        self._carried: set[Uuid] = set()
        self._elsewhere: dict[tuple[Uuid, Uuid, bool], Rulebook] = {}
        self._answers: dict[tuple[Uuid, Uuid, Uuid, bool], tuple[Objection, ...]] = {}

    def disks(self, vm: Uuid, target: Uuid) -> tuple[DiskMove, ...]:
        """The disks that *vm* takes along if it goes to *target* now."""
        return () if vm in self._carried else self._disks_at_first(vm, target)

    def fits(self, vm: Uuid, target: Uuid) -> bool:
        """Whether every rule on what hosts hold lets *vm* join *target* now, while it still holds its own host."""
        return not self._ledger.objections(vm, target, self.disks(vm, target))

    def allows(self, vm: Uuid, target: Uuid) -> bool:
        """Whether *vm* may move to *target* now."""
        self.effort += self.price
        return self.fits(vm, target) and not self._objections(vm, target)

    def reach(self, vm: Uuid) -> frozenset[Uuid]:
        """The hosts that no rule on VMs, hosts or pairs keeps *vm* from, as far as that can be told from its own."""
        home = self.problem.initial[vm]
        moves = (
            Migration(vm=vm, source=home, target=host, disks=self._disks_at_first(vm, host))
            for host in self.problem.pool.hosts
            if host != home
        )
        return frozenset((home, *(move.target for move in moves if not self.book.objections(move))))

    def carries(self, vm: Uuid) -> bool:
        """Whether *vm* takes disks along on some migration."""
        return vm in self._carriers

    def _disks_at_first(self, vm: Uuid, target: Uuid) -> tuple[DiskMove, ...]:
        """The disks that *vm* takes along if it goes to *target* before anywhere else."""
        move = self._carriers.get(vm)
        return move.disks if move and move.target == target else ()

    def blockers(self, vm: Uuid, target: Uuid) -> tuple[str, ...]:
        """Ids of the rules that keep *vm* from moving to *target* now."""
        held = [each.rule for each in self._ledger.objections(vm, target, self.disks(vm, target))]
        return tuple(dict.fromkeys([*(each.rule for each in self._objections(vm, target)), *held]))

    def fit_together(self, vms: Sequence[Uuid], target: Uuid) -> bool:
        """Whether all of *vms* fit *target* although none of them has left its own host yet."""
        joined: list[Uuid] = []
        for vm in vms:
            if not self.fits(vm, target):
                break
            self._ledger.join(vm, target, self.disks(vm, target))
            joined.append(vm)
        for vm in joined:
            back = Migration(vm=vm, source=self.host_of[vm], target=target, disks=self.disks(vm, target)).back
            self._ledger.settle(vm, target, back.disks)
        return len(joined) == len(vms)

    def move(self, move: Migration) -> None:
        """Carry out a move: a VM holds both hosts and its disks both SRs, then only the targets."""
        self._ledger.join(move.vm, move.target, move.disks)
        self._ledger.settle(move.vm, move.source, move.disks)
        self.host_of[move.vm] = move.target
        if move.disks:
            self._carried ^= {move.vm}

    def _objections(self, vm: Uuid, target: Uuid) -> tuple[Objection, ...]:
        """What speaks against the move by the rules for VMs, hosts and pairs, with *vm* where it is now.

        The other VMs count where they were at the start; where that matters, verifying the plan finds it.
        """
        key = (vm, self.host_of[vm], target, vm in self._carried)
        if key not in self._answers:
            move = Migration(vm=vm, source=self.host_of[vm], target=target, disks=self.disks(vm, target))
            self._answers[key] = self._ask(move)
        return self._answers[key]

    def _ask(self, move: Migration) -> tuple[Objection, ...]:
        initial = self.problem.initial
        disks = self._carriers[move.vm].disks if move.vm in self._carried else ()
        if move.source == initial[move.vm] and not disks:
            return self.book.objections(move)
        key = move.vm, move.source, bool(disks)
        if key not in self._elsewhere:
            there = initial.after(Migration(vm=move.vm, source=initial[move.vm], target=move.source, disks=disks))
            self._elsewhere[key] = self.book.at(there)
        return self._elsewhere[key].objections(move)
