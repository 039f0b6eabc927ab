"""What rules say, as DataFrames."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from rebalancer.legality.matrix import legality_matrix
from rebalancer.legality.report import PairAnswer, explain
from rebalancer.placement import Placement
from rebalancer.rules import Blocked, Rulebook


def legality_frame(book: Rulebook) -> pd.DataFrame:
    """Guests x hosts: the first rule that objects now, "" where the VM may go, "+" with its disks, "=" where it is.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.legality_frame(model.rulebook).loc["app-041"].unique().tolist()
        ['shared-sr-visible', '=']
    """
    matrix = legality_matrix(book)
    index = pd.Index([matrix.called[vm.uuid] for vm in matrix.vms], name="vm")
    return pd.DataFrame(matrix.cells, index=index, columns=matrix.titles)


def refusals_frame(book: Rulebook) -> pd.DataFrame:
    """One row a guest, other host and rule that objects now, XAPI's own answer first (`order` 1): words and remedy.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.refusals_frame(model.rulebook).query("vm == 'app-041'")[["host", "code", "remedy"]].head(1)
            host            code                        remedy
        8  alder  VM_REQUIRES_SR  eject the CD from drive xvdd
    """
    guests, hosts = book.problem.pool.resident_guests(), list(book.problem.pool.hosts.values())
    return answers_frame((answer for vm in guests for answer in explain(book, vm, hosts)), book)


def answers_frame(answers: Iterable[PairAnswer], book: Rulebook) -> pd.DataFrame:
    """One row an objection of *answers*; none for hosts to which a VM may go, or where it is.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> answers = rb.explain(model, "app-041", "alder")
        >>> rb.frames.answers_frame(answers, model.rulebook)[["vm", "host", "order", "rule"]]
                vm   host  order               rule
        0  app-041  alder      1  shared-sr-visible
    """
    names = book.problem.names
    rows = [
        {
            "vm": names.vms[answer.vm.uuid],
            "host": names.hosts[answer.host.uuid],
            "order": order,
            "rule": each.rule,
            "code": each.code,
            "words": each.words,
            "remedy": each.remedy,
            "vm_uuid": answer.vm.uuid,
            "host_uuid": answer.host.uuid,
        }
        for answer in answers
        for order, each in enumerate(answer.objections, start=1)
    ]
    columns = ["vm", "host", "order", "rule", "code", "words", "remedy", "vm_uuid", "host_uuid"]
    return pd.DataFrame(rows, columns=columns)


def violations_frame(book: Rulebook, placement: Placement | None = None) -> pd.DataFrame:
    """One row a rule that *placement* breaks and thing that has a part in it: `violation` numbers them from 1.

    `kind` is `VM` or `host`; `excess` is in the rule's own unit. By default the placement is that of now.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> rb.frames.violations_frame(model.rulebook)[["rule", "excess", "kind"]].head(2)
                         rule  excess  kind
        violation
        1          keep-apart       1  host
        1          keep-apart       1    VM
    """
    problem = book.problem
    found = book.violations(placement or problem.initial)
    rows = [
        (number, each.rule, each.code, each.excess, each.words, kind, names.get(uuid, uuid), uuid)
        for number, each in enumerate(found, start=1)
        for kind, names, uuids in (("host", problem.names.hosts, each.hosts), ("VM", problem.names.vms, each.vms))
        for uuid in uuids
    ]
    columns = ["violation", "rule", "code", "excess", "words", "kind", "name", "uuid"]
    return pd.DataFrame(rows, columns=columns).set_index("violation")


def blocked_frame(blocked: Iterable[Blocked]) -> pd.DataFrame:
    """One row a VM that cannot leave its host: the rule that closes most hosts, and the cheapest fix.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> found = rb.evacuate(model, "beech", seconds=1)
        >>> rb.frames.blocked_frame(found.blocked)[["vm", "host", "rule"]].values.tolist()
        [['app-041', 'beech', 'shared-sr-visible']]
    """
    rows = [(each.vm, each.vm_name, each.host_name, each.rule, each.code, each.fix, each.host) for each in blocked]
    return pd.DataFrame(rows, columns=["vm_uuid", "vm", "host", "rule", "code", "fix", "host_uuid"]).set_index(
        "vm_uuid"
    )
