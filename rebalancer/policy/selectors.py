"""How a policy names VMs, hosts and SRs: by uuid, by name, or by `tag:NAME`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, TypeVar

from rebalancer.errors import PolicyError
from rebalancer.inventory import SR, VM, Host, Pool, Uuid
from rebalancer.units import first_few

TAG = "tag:"
SHOWN = 3
"""Uuids that an error lists."""

T = TypeVar("T", VM, Host, SR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenVMs:
    """Guests that selectors name: those on a host now, and those that rest (halted or suspended) and do not count."""

    resident: frozenset[Uuid]
    resting: frozenset[Uuid]

    @property
    def both(self) -> frozenset[Uuid]:
        """Guests that selectors name, whether they run or rest."""
        return self.resident | self.resting


class Selectors:
    """Finds what the selectors of a policy mean in one pool.

    A name means the one resident guest that carries it. Where none is resident, it means the guests of that name that
    rest. Templates, snapshots and control domains are never meant.
    """

    def __init__(self, pool: Pool) -> None:
        self._vms = _Index("VM", pool.vms, pool.guests())
        self._hosts = _Index("host", pool.hosts, pool.hosts.values())
        self._srs = _Index("SR", pool.srs, pool.srs.values())

    def vms(self, selectors: Sequence[str], where: str) -> ChosenVMs:
        """The guests that *selectors* name.

        Raises:
            PolicyError: a selector matches nothing, two resident guests, or something that is no guest.
        """
        found = [vm for selector in selectors for vm in self._vms_of(selector, where)]
        resident = frozenset(vm.uuid for vm in found if vm.resident_on is not None)
        return ChosenVMs(resident=resident, resting=frozenset(vm.uuid for vm in found) - resident)

    def hosts(self, selectors: Sequence[str], where: str) -> frozenset[Uuid]:
        """The hosts that *selectors* name.

        Raises:
            PolicyError: a selector matches no host, or its name two.
        """
        return frozenset(uuid for selector in selectors for uuid in self._hosts.uuids(selector, where))

    def srs(self, selectors: Sequence[str], where: str) -> frozenset[Uuid]:
        """The SRs that *selectors* name.

        Raises:
            PolicyError: a selector matches no SR, or its name two.
        """
        return frozenset(uuid for selector in selectors for uuid in self._srs.uuids(selector, where))

    def _vms_of(self, selector: str, where: str) -> list[VM]:
        matches = self._vms.matches(selector, where)
        if selector.startswith(TAG):
            return matches
        guests = [vm for vm in matches if vm.is_guest]
        resident = [vm for vm in guests if vm.resident_on is not None]
        if len(resident) > 1:
            raise self._vms.ambiguous(selector, resident, where)
        if not guests and matches:
            problem = f"{selector!r} is {_kind(matches[0])}, which never moves"
            raise PolicyError(where, problem, "Take it out of the policy")
        if not guests:
            names = [name for name, vms in self._vms.named.items() if any(vm.is_guest for vm in vms)]
            raise self._vms.unknown(selector, names, where)
        return resident or guests


class _Index(Generic[T]):
    """The VMs, hosts or SRs of a pool by uuid, by name, and by tag where tags count."""

    def __init__(self, kind: str, things: Mapping[Uuid, T], with_tags: Iterable[T]) -> None:
        self._kind = kind
        self._things: Mapping[Uuid, T] = things
        self.named: dict[str, list[T]] = defaultdict(list)
        self._tagged: dict[str, list[T]] = defaultdict(list)
        for thing in things.values():
            self.named[thing.name].append(thing)
        for thing in with_tags:
            for tag in thing.tags:
                self._tagged[tag].append(thing)

    def uuids(self, selector: str, where: str) -> list[Uuid]:
        """All with a tag, or the one that *selector* names; a `PolicyError` tells why there is none."""
        found = self.matches(selector, where)
        if not found:
            raise self.unknown(selector, self.named, where)
        if len(found) > 1 and not selector.startswith(TAG):
            raise self.ambiguous(selector, found, where)
        return [each.uuid for each in found]

    def matches(self, selector: str, where: str) -> list[T]:
        """All with a tag that some carry, the one with a uuid, else all with a name."""
        if selector in self._things:
            return [self._things[selector]]
        if not selector.startswith(TAG):
            return self.named.get(selector, [])
        tag = selector.removeprefix(TAG)
        if tag not in self._tagged:
            guess = close_matches(tag, self._tagged)
            problem = f"no {self._kind} of the pool carries the tag {tag!r}" + (f" ({guess})" if guess else "")
            raise PolicyError(where, problem, _TAG_REMEDY)
        return self._tagged[tag]

    def ambiguous(self, selector: str, matches: Sequence[T], where: str) -> PolicyError:
        """The error for a name that several carry."""
        uuids = first_few(sorted(match.uuid for match in matches), SHOWN, more=" and {} others")
        problem = f"{len(matches)} {self._kind}s are named {selector!r}: {uuids}"
        return PolicyError(where, problem, "Write the uuid instead")

    def unknown(self, selector: str, names: Iterable[str], where: str) -> PolicyError:
        """The error for a name that is none of *names*."""
        tagged = (
            f"(a tag is written {TAG + selector!r})" if selector in self._tagged else close_matches(selector, names)
        )
        problem = f"the pool has no {self._kind} {selector!r}" + (f"; {tagged}" if tagged else "")
        return PolicyError(where, problem, "Correct the name, or take it out of the policy")


_TAG_REMEDY = "Tag one with `xe vm-param-add param-name=tags` (host-param-add, sr-param-add), or take the selector out"


def close_matches(word: str, known: Iterable[str]) -> str:
    """The known words that *word* may have meant, as half a sentence; empty when none is near.

    Hosts of two pools that have one name are called `NAME (POOL)`.
    """
    words = sorted(set(known))
    near = [each for each in words if each.startswith(f"{word} (")] or get_close_matches(word, words, n=3, cutoff=0.6)
    return f"near to it: {', '.join(repr(each) for each in near)}" if near else ""


def _kind(vm: VM) -> str:
    if vm.is_control_domain:
        return "a control domain"
    return "a snapshot" if vm.is_a_snapshot else "a template"
