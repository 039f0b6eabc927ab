"""How a policy names VMs, hosts and SRs: by uuid, by name, or by `tag:NAME`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

from rebalancer.errors import PolicyError
from rebalancer.inventory import SR, VM, Host, Pool, Uuid

TAG = "tag:"

T = TypeVar("T", VM, Host, SR)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenVMs:
    """Guests that selectors name: those on a host now, and those that rest (halted or suspended) and do not count."""

    resident: frozenset[Uuid]
    resting: frozenset[Uuid]

    @property
    def both(self) -> frozenset[Uuid]:
        """All of them."""
        return self.resident | self.resting


class Selectors:
    """Finds what the selectors of a policy mean in one pool.

    A name means the one resident guest that carries it. Where none is resident, it means the guests of that name that
    rest. Templates, snapshots and control domains are never meant.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._vms = _by_name(pool.vms.values())
        self._hosts = _by_name(pool.hosts.values())
        self._vm_tags = _by_tag(pool.guests())
        self._srs = _by_name(pool.srs.values())
        self._host_tags = _by_tag(pool.hosts.values())
        self._sr_tags = _by_tag(pool.srs.values())

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
        return frozenset(uuid for selector in selectors for uuid in self._hosts_of(selector, where))

    def _vms_of(self, selector: str, where: str) -> list[VM]:
        if selector.startswith(TAG):
            return _tagged(selector, self._vm_tags, "VM", where)
        matches = [self._pool.vms[selector]] if selector in self._pool.vms else self._vms.get(selector, [])
        guests = [vm for vm in matches if vm.is_guest]
        resident = [vm for vm in guests if vm.resident_on is not None]
        if len(resident) > 1:
            raise _ambiguous(selector, resident, "VMs", where)
        if not guests and matches:
            raise PolicyError(
                where, f"{selector!r} is {_kind(matches[0])}, which never moves", "Take it out of the policy"
            )
        if not guests:
            names = [name for name, vms in self._vms.items() if any(vm.is_guest for vm in vms)]
            raise _unknown(selector, names, self._vm_tags, "VM", where)
        return resident or guests

    def srs(self, selectors: Sequence[str], where: str) -> frozenset[Uuid]:
        """The SRs that *selectors* name.

        Raises:
            PolicyError: a selector matches no SR, or its name two.
        """
        return frozenset(uuid for selector in selectors for uuid in self._srs_of(selector, where))

    def _hosts_of(self, selector: str, where: str) -> list[Uuid]:
        if selector in self._pool.hosts:
            return [selector]
        return _named(selector, self._hosts, self._host_tags, "host", where)

    def _srs_of(self, selector: str, where: str) -> list[Uuid]:
        if selector in self._pool.srs:
            return [selector]
        return _named(selector, self._srs, self._sr_tags, "SR", where)


def _named(
    selector: str, by_name: Mapping[str, list[T]], by_tag: Mapping[str, list[T]], kind: str, where: str
) -> list[Uuid]:
    if selector.startswith(TAG):
        return [each.uuid for each in _tagged(selector, by_tag, kind, where)]
    matches = by_name.get(selector, [])
    if not matches:
        raise _unknown(selector, by_name, by_tag, kind, where)
    if len(matches) > 1:
        raise _ambiguous(selector, matches, f"{kind}s", where)
    return [matches[0].uuid]


def close_matches(word: str, known: Iterable[str]) -> str:
    """The known words that *word* may have meant, as half a sentence; empty when none is near.

    Hosts of two pools that have one name are called `NAME (POOL)`.
    """
    words = sorted(set(known))
    near = [each for each in words if each.startswith(f"{word} (")] or get_close_matches(word, words, n=3, cutoff=0.6)
    return f"near to it: {', '.join(repr(each) for each in near)}" if near else ""


def _by_name(things: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for thing in things:
        found[thing.name].append(thing)
    return dict(found)


def _by_tag(things: Iterable[T]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for thing in things:
        for tag in thing.tags:
            found[tag].append(thing)
    return dict(found)


def _tagged(selector: str, by_tag: Mapping[str, list[T]], kind: str, where: str) -> list[T]:
    tag = selector.removeprefix(TAG)
    if tag in by_tag:
        return by_tag[tag]
    guess = close_matches(tag, by_tag)
    raise PolicyError(
        where, f"no {kind} of the pool carries the tag {tag!r}" + (f" ({guess})" if guess else ""), _TAG_REMEDY
    )


_TAG_REMEDY = "Tag one with `xe vm-param-add param-name=tags` (host-param-add, sr-param-add), or take the selector out"


def _kind(vm: VM) -> str:
    if vm.is_control_domain:
        return "a control domain"
    return "a snapshot" if vm.is_a_snapshot else "a template"


def _ambiguous(selector: str, matches: Sequence[VM | Host | SR], kind: str, where: str) -> PolicyError:
    uuids = ", ".join(sorted(match.uuid for match in matches))
    return PolicyError(where, f"{len(matches)} {kind} are named {selector!r}: {uuids}", "Write the uuid instead")


def _unknown(selector: str, names: Iterable[str], tags: Iterable[str], kind: str, where: str) -> PolicyError:
    tagged = f"(a tag is written {TAG + selector!r})" if selector in set(tags) else close_matches(selector, names)
    problem = f"the pool has no {kind} {selector!r}" + (f"; {tagged}" if tagged else "")
    return PolicyError(where, problem, "Correct the name, or take it out of the policy")
