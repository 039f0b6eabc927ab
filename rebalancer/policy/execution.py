"""The section of a policy that says how plans are carried out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from rebalancer.policy.sections import MUCH, Section, Title

HOLD_TAG = "rebalancer:hold"
ServerAddress = Annotated[str, Field(pattern=r"^[^\s:/]+:[0-9]{1,5}$|^\[[0-9A-Fa-f:.]+\]:[0-9]{1,5}$")]
"""`HOST:PORT`, as `pool.wlb_url` has it."""


class ExecutionPolicy(Section):
    """Whether plans have to be approved before they are carried out, how long a run waits, and what stops it.

    `allowed_signers` is the file of those whose signatures count. `patience_minutes` is how long a run that has nothing
    else to do waits for a VM that is blocked or busy, where no window or deadline says it. `pool_lock` says whether a
    run may go on without a lock in the pool, where the user's role does not permit one. While a pool carries
    `hold_tag`, nothing is started there; a VM that carries it is not moved, from and to a host that does, no VM is. A
    run ends once others have migrated `foreign_migrations` VMs meanwhile, or a host of the next step uses more than
    `load_factor` times the pCPUs that the plan predicted for the hour, and more than the threshold. Steps that fail and
    leave their VM where it was are set aside, and so is what waits for them, until `stop_after_failures` of them did.

    With `adaptive`, half as many migrations run at once where one beside others takes longer than `slow_factor` times
    what the plan estimates for it, and more again, one by one, where they do not.

    A pool that asks a Workload Balancing server stops a run, unless that is one of `quiet_wlb`, which move nothing.

    `power` names what may be done to hosts beside: "disable" them for maintenance, and enable them again; "reboot"
    those that are disabled and empty; "shutdown" those that sleep, and "power-on" those that are needed.
    With "shutdown-vm" and "start-vm", VMs that cannot leave their host are shut down while it is worked on; with
    "hard-shutdown-vm" as well, those that `rolling.hard_shut_down` names are switched off where their guest does not
    react.
    """

    require_approval: bool = False
    allowed_signers: Title | None = None
    patience_minutes: Annotated[float, Field(ge=0, le=MUCH)] = 30.0
    pool_lock: Literal["required", "if-permitted"] = "required"
    hold_tag: Title = HOLD_TAG
    foreign_migrations: Annotated[int, Field(ge=1, le=MUCH)] = 3
    load_factor: Annotated[float, Field(ge=1, le=MUCH)] | None = None
    stop_after_failures: Annotated[int, Field(ge=1, le=MUCH)] = 3
    adaptive: bool = True
    slow_factor: Annotated[float, Field(gt=1, le=MUCH)] = 2.5
    quiet_wlb: tuple[ServerAddress, ...] = ()
    power: tuple[
        Literal["disable", "reboot", "shutdown", "power-on", "shutdown-vm", "start-vm", "hard-shutdown-vm"], ...
    ] = ()

    @model_validator(mode="after")
    def _signatures_are_on_approvals(self) -> ExecutionPolicy:
        if self.allowed_signers and not self.require_approval:
            raise ValueError("allowed_signers is of no use without require_approval = true")
        return self


class SleepPolicy(Section):
    """When hosts without VMs are switched off, and on again.

    A host that has been woken stays awake for `rest_hours`. None is put to sleep that an hour within `horizon_hours`
    needs, and hosts are woken `lead_minutes` before the hour that needs them: the VMs have to fit without the
    `margin_hosts` largest of those that are awake. A host has `boot_minutes` to go down, and as long to come back.
    """

    rest_hours: Annotated[float, Field(ge=0, le=MUCH)] = 4.0
    horizon_hours: Annotated[float, Field(gt=0, le=168)] = 12.0
    margin_hosts: Annotated[int, Field(ge=0, le=MUCH)] = 1
    lead_minutes: Annotated[float, Field(ge=0, le=1440)] = 45.0
    boot_minutes: Annotated[float, Field(gt=0, le=1440)] = 20.0
