"""The space on SRs in the model: a placement is accepted where some choice of SRs has room for all disks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping

from rebalancer.inventory import Uuid
from rebalancer.solve.instance.disks import Chosen, Traveller
from rebalancer.solve.instance.instance import Ints
from rebalancer.solve.model.variables import Assignment


def post_disks(model: Assignment) -> None:
    """Every disk that goes along has an SR, and no SR holds more than fits; nothing where nothing is left to decide."""
    if model.instance.disks.tight and not model.constant.all():
        _DiskRows(model).post()


class _DiskRows:
    def __init__(self, model: Assignment) -> None:
        self._model, self._disks = model, model.instance.disks
        self._unit_of, self._number = model.instance.unit_of, model.instance.host_index
        self._room = {sr: space.room for sr, space in self._disks.tight.items()}
        self._weights: defaultdict[Uuid, Counter[int]] = defaultdict(Counter)
        self._asked: tuple[bytes, Chosen] = (b"", {})

    def post(self) -> None:
        for each in self._disks.travellers:
            if each.vm in self._unit_of:
                settled = self._settled(each)
                pairs = {} if settled else self._pairs(each)
                self._post_choice(each, pairs, settled)
                self._give_free(each, pairs, settled)
        for sr, weights in self._weights.items():
            self._model.at_most(list(weights), list(weights.values()), self._room[sr])

    def _settled(self, each: Traveller) -> Uuid | None:
        unit = self._unit_of[each.vm]
        host = self._model.instance.hosts[self._model.scope.at[unit]]
        return host if self._model.constant[unit] and host in each.srs else None

    def _pairs(self, each: Traveller) -> dict[Uuid, int]:
        row = self._model.variable[self._unit_of[each.vm]]
        variables = {host: int(row[self._number[host]]) for host in each.srs if host in self._number}
        return {host: variable for host, variable in variables.items() if variable >= 0}

    def _post_choice(self, each: Traveller, pairs: Mapping[Uuid, int], settled: Uuid | None) -> None:
        """On the way to a host where all SRs are tight, one of those that are open there is taken."""
        taken: dict[Uuid, int] = {}
        for host in (settled,) if settled else pairs:
            srs = each.srs[host]
            if not all(sr in self._disks.tight for sr in srs):
                continue
            for sr in srs:
                if sr not in taken:
                    taken[sr] = self._model.whole_number(1, self._takes(each, sr))
                    self._weights[sr][taken[sr]] = self._disks.tight[sr].arriving[each.drive]
            cause = [] if settled else [pairs[host]]
            one_of = [taken[sr] for sr in srs]
            self._model.at_most([*cause, *one_of], [1] * len(cause) + [-1] * len(one_of), len(cause) - 1)

    def _give_free(self, each: Traveller, pairs: Mapping[Uuid, int], settled: Uuid | None) -> None:
        if each.source in self._room:
            leaving = self._disks.tight[each.source].leaving[each.drive]
            self._weights[each.source].subtract(dict.fromkeys(pairs.values(), leaving))
            self._room[each.source] += leaving if settled else 0

    def _takes(self, each: Traveller, sr: Uuid) -> Callable[[Ints], int]:
        return lambda chosen: int(self._chosen(chosen).get(each) == sr)

    def _chosen(self, chosen: Ints) -> Chosen:
        """The SRs of all disks under the chosen pairs, cached for the last choice."""
        key = chosen.tobytes()
        if key != self._asked[0]:
            host_of = self._model.instance.host_of(self._model.placement(chosen.tolist()))
            self._asked = key, self._disks.packed(host_of) or {}
        return self._asked[1]
