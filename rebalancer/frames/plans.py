"""What a plan consists of, as DataFrames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from rebalancer.describe.course import hosts_at
from rebalancer.frames.cells import PCPU_DECIMALS, gib_cell, rounded_cell, share_cell
from rebalancer.plan import Plan

if TYPE_CHECKING:
    from rebalancer.solve import Tradeoff


def steps_frame(plan: Plan) -> pd.DataFrame:
    """One row a step, in order: VM, from, to, GiB copied, start and length in seconds, why; index is its id.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> len(rb.frames.steps_frame(plan)) == len(plan.steps), rb.frames.steps_frame(plan).index[0]
        (True, 's01')
    """
    steps = plan.steps
    columns = {
        "step": [step.id for step in steps],
        "kind": [step.kind.value for step in steps],
        "vm": [step.vm_name for step in steps],
        "from": [step.source_name for step in steps],
        "to": [step.target_name for step in steps],
        "gib": [gib_cell(step.copied_bytes) for step in steps],
        "start_seconds": [round(step.start_seconds, 1) for step in steps],
        "seconds": [round(step.seconds, 1) for step in steps],
        "why": [step.why for step in steps],
        "vm_uuid": [step.vm for step in steps],
        "from_host_uuid": [step.source for step in steps],
        "to_host_uuid": [step.target for step in steps],
    }
    return pd.DataFrame(columns).set_index("step")


def objectives_frame(plan: Plan) -> pd.DataFrame:
    """One row a tier, the most important first: before, after, bound, gap, and under which condition it holds.

    `unit` is that of `before`, `after` and `bound`: `bound` is what no placement is below that keeps what `held` says.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> rb.frames.objectives_frame(plan)[["proved", "unit"]]
                   proved                 unit
        objective
        repair       True             breaches
        balance     False  weighted pCPU-hours
    """
    rows = [
        {
            "objective": tier.objective,
            "before": rounded_cell(tier.before),
            "after": rounded_cell(tier.after),
            "bound": rounded_cell(tier.bound),
            "gap_share": share_cell(tier.gap),
            "proved": tier.proved,
            "unit": tier.unit,
            "held": "; ".join(f"{held.objective} at most {held.most:g} {held.unit}" for held in tier.held),
            "sentence": tier.sentence,
        }
        for tier in plan.tiers
    ]
    columns = ["objective", "before", "after", "bound", "gap_share", "proved", "unit", "held", "sentence"]
    return pd.DataFrame(rows, columns=columns).set_index("objective")


def left_frame(plan: Plan) -> pd.DataFrame:
    """One row a VM or host that a plan leaves alone, and the rule that holds it; index is its uuid.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> rb.frames.left_frame(plan).columns.tolist()
        ['kind', 'name', 'rule', 'words']
    """
    rows = [(each.uuid, each.kind, each.name, each.rule, each.words) for each in plan.left_alone]
    return pd.DataFrame(rows, columns=["uuid", "kind", "name", "rule", "words"]).set_index("uuid")


def change_frame(plan: Plan) -> pd.DataFrame:
    """One row a host before and after a plan: the busiest slot as a share of CPU capacity, memory as one of the host's.

    The index is the host's name; CPU is NaN without metrics.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> change = rb.frames.change_frame(plan)
        >>> change[["cpu_share_before", "cpu_share_after"]].gt(0.75).sum().tolist()
        [3, 2]
    """
    rows = [
        {
            "host": row.name,
            "cpu_share_before": share_cell(row.before.peak_share),
            "cpu_share_after": share_cell(row.after.peak_share),
            "memory_share_before": share_cell(row.before.memory_used_bytes, row.memory_total_bytes),
            "memory_share_after": share_cell(row.after.memory_used_bytes, row.memory_total_bytes),
        }
        for row in plan.hosts
    ]
    shares = pd.DataFrame(rows).set_index("host").astype(float)
    return shares.assign(host_uuid=[row.uuid for row in plan.hosts])


def tradeoff_frame(curve: Tradeoff) -> pd.DataFrame:
    """One row a point of the curve, from the cheapest on: what it takes, what it comes to, whether it is the knee.

    `load_cost` and `bound` are in weighted pCPU-hours; `chosen` is the point that is best by the policy's prices.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> points = rb.frames.tradeoff_frame(rb.tradeoff(model, seconds=0.1))
        >>> points.columns.tolist()
        ['gib', 'moves', 'load_cost', 'bound', 'gap', 'proved', 'knee', 'chosen']
    """
    columns = ["gib", "moves", "load_cost", "bound", "gap", "proved"]
    rows = [{name: getattr(point, name) for name in columns} for point in curve.points]
    return (
        pd.DataFrame(rows, columns=columns)
        .round(PCPU_DECIMALS)
        .assign(
            knee=[number == curve.knee for number in range(len(rows))],
            chosen=[number == curve.chosen for number in range(len(rows))],
        )
    )


def course_frame(plan: Plan) -> pd.DataFrame:
    """One row a step of a plan and host: VMs after it, GiB while it runs and after it, CPU peak after it as a share.

    Steps run one after another; the index is the step's id and the host's name.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> rb.frames.course_frame(plan).columns.tolist()
        ['vms', 'gib_during', 'gib_after', 'gib_total', 'cpu_peak', 'host_uuid']
    """
    rows = [(step.id, host) for step in plan.steps for host in hosts_at(plan, step)]
    columns = {
        "step": [step for step, _ in rows],
        "host": [host.name for _, host in rows],
        "vms": [len(host.after.vms) for _, host in rows],
        "gib_during": [gib_cell(host.memory_during_bytes) for _, host in rows],
        "gib_after": [gib_cell(host.after.memory_used_bytes) for _, host in rows],
        "gib_total": [gib_cell(host.memory_total_bytes) for _, host in rows],
        "cpu_peak": [share_cell(host.after.peak_share) for _, host in rows],
        "host_uuid": [host.uuid for _, host in rows],
    }
    return pd.DataFrame(columns).set_index(["step", "host"])


def placement_frame(plan: Plan) -> pd.DataFrame:
    """One row a VM of a plan: host before and after, and whether it moves; index is `vm_uuid`.

    Example:
        >>> import rebalancer as rb
        >>> model = rb.Model(rb.read("pool.json.gz"))
        >>> plan = rb.rebalance(model, seconds=1)
        >>> placement = rb.frames.placement_frame(plan)
        >>> set(placement[placement.moves].index) == {step.vm for step in plan.steps}
        True
    """
    hosts, named = {row.uuid: row.name for row in plan.hosts}, plan.made_from.names or {}
    before, after = plan.before.host_of, plan.predicted.host_of
    names = {**named, **{step.vm: step.vm_name for step in plan.steps}}
    columns = {
        "vm_uuid": list(before),
        "vm": [names.get(vm, vm) for vm in before],
        "before": [hosts[host] for host in before.values()],
        "after": [hosts[after[vm]] for vm in before],
        "moves": [after[vm] != host for vm, host in before.items()],
        "before_host_uuid": list(before.values()),
        "after_host_uuid": [after[vm] for vm in before],
    }
    return pd.DataFrame(columns).set_index("vm_uuid")
