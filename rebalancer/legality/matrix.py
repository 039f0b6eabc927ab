"""Who may move where, VM by VM and host by host, as a table for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rebalancer.errors import InputError
from rebalancer.files.writing import write_whole
from rebalancer.inventory import VM, Host, Uuid
from rebalancer.legality.report import Tonight
from rebalancer.rules import Rulebook
from rebalancer.sanitise import spreadsheet_cell

STAYS, MAY_GO, WITH_DISKS = "=", "", "+"
SUFFIXES = (".csv", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Guests x hosts, both by name: the id of the first rule that objects, `MAY_GO`, or `STAYS` where the VM is.

    `WITH_DISKS` where the VM may go by Storage XenMotion only. `pools` are the names of the pools of the hosts,
    `called` those of VMs and hosts.
    """

    vms: tuple[VM, ...]
    hosts: tuple[Host, ...]
    cells: tuple[tuple[str, ...], ...]
    pools: tuple[str, ...]
    called: Mapping[Uuid, str]

    @property
    def titles(self) -> list[str]:
        """What the hosts are called."""
        return [self.called[host.uuid] for host in self.hosts]

    def as_csv(self) -> str:
        """One row a VM, one column a host after `vm` and `vm_uuid`; by what they are called."""
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(["vm", "vm_uuid", *map(spreadsheet_cell, self.titles)])
        for vm, rules in zip(self.vms, self.cells, strict=True):
            writer.writerow([spreadsheet_cell(self.called[vm.uuid]), vm.uuid, *rules])
        return text.getvalue()

    def as_json(self) -> dict[str, object]:
        """Hosts with their names and pools, and for each VM its answers by the uuids of the hosts."""
        uuids = [host.uuid for host in self.hosts]
        return {
            "hosts": [
                {"uuid": host.uuid, "name": host.name, "pool": pool}
                for host, pool in zip(self.hosts, self.pools, strict=True)
            ],
            "vms": [
                {"uuid": vm.uuid, "name": vm.name, "answers": dict(zip(uuids, rules, strict=True))}
                for vm, rules in zip(self.vms, self.cells, strict=True)
            ],
        }


def legality_matrix(book: Rulebook) -> Matrix:
    """The first objection to every move now, memory and other limits of the targets included."""
    pool, tonight = book.problem.pool, Tonight(book)
    vms = tuple(sorted(pool.resident_guests(), key=lambda vm: (vm.name, vm.uuid)))
    hosts = tuple(sorted(pool.hosts.values(), key=lambda host: (host.name, host.uuid)))
    cells = tuple(tuple(_cell(tonight, vm, host) for host in hosts) for vm in vms)
    pools = tuple(pool.of_host(host.uuid).called for host in hosts)
    called = {**book.problem.names.hosts, **book.problem.names.vms}
    return Matrix(vms=vms, hosts=hosts, cells=cells, pools=pools, called=called)


def assert_writable(path: Path) -> None:
    """Pass if the suffix of *path* says in which form a matrix is to be written.

    Raises:
        InputError: it does not.
    """
    if path.suffix not in SUFFIXES:
        raise InputError(str(path), "a matrix is written as CSV or as JSON", "Name a file that ends in .csv or .json")


def write_matrix(matrix: Matrix, path: Path) -> None:
    """Write *matrix* as CSV or JSON, as the suffix says.

    Raises:
        InputError: another suffix, or the file cannot be written.
    """
    assert_writable(path)
    text = matrix.as_csv() if path.suffix == ".csv" else json.dumps(matrix.as_json(), indent=1) + "\n"
    try:
        write_whole(path, text.encode())
    except OSError as error:
        raise InputError(str(path), f"it cannot be written: {error.strerror}", "Name another file") from error


def _cell(tonight: Tonight, vm: VM, host: Host) -> str:
    if vm.resident_on == host.uuid:
        return STAYS
    answer = tonight.answer(vm, host)
    if answer.disks:
        return WITH_DISKS
    return answer.objections[0].rule if answer.objections else MAY_GO
