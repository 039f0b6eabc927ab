"""What the simulated XAPI refuses of moves to another pool."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import XenAPI

from tests.simulator.storage.crossing import Crossing, code_of
from tests.simulator.storage.motion import take_snapshot


def _older(case: Crossing) -> None:
    case.change("host", case.host, software_version={"platform_version": "1.0.0"})


def _disabled(case: Crossing) -> None:
    case.change("host", case.host, enabled=False)


def _with_cpu(case: Crossing, **info: str) -> None:
    case.change("host", case.host, cpu_info={**case.there.database.get("host", case.host)["cpu_info"], **info})


def _full(case: Crossing) -> None:
    case.change("host_metrics", case.there.database.get("host", case.host)["metrics"], memory_total=str(5 << 30))


def _without_hardware(case: Crossing) -> None:
    case.change("host", case.host, virtual_hardware_platform_versions=[])


def _there_already(case: Crossing, **fields: Any) -> None:  # noqa: ANN401 - of every wire type
    case.there.database.add("VM", {**case.here.database.get("VM", case.vm), **fields})


def _with_its_seed(case: Crossing) -> None:
    case.here.database.change("VM", case.vm, other_config={"mac_seed": "seed"})
    _there_already(case, uuid="of its own", power_state="Halted", other_config={"mac_seed": "seed"})


def _upgraded(case: Crossing) -> None:
    (pool,) = (ref for ref, _ in case.here.database.items("pool"))
    case.here.database.change("pool", pool, other_config={"rolling_upgrade_in_progress": "yes"})


def _nothing(case: Crossing) -> None:
    del case


REFUSALS: dict[str, tuple[Callable[[Crossing], None], dict[str, Any]]] = {
    "VDI_NOT_IN_MAP": (_nothing, {"vdi_map": {}}),
    "VIF_NOT_IN_MAP": (_nothing, {"vif_map": {}}),
    "VM_HOST_INCOMPATIBLE_VERSION_MIGRATE": (_older, {}),
    "HOST_DISABLED": (_disabled, {}),
    "VM_INCOMPATIBLE_WITH_THIS_HOST": (lambda case: _with_cpu(case, vendor="Somebody"), {}),
    "HOST_NOT_ENOUGH_FREE_MEMORY": (_full, {}),
    "VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION": (_without_hardware, {}),
    "HOST_NOT_ENOUGH_PCPUS": (lambda case: _with_cpu(case, cpu_count="0"), {}),
    "VM_BAD_POWER_STATE": (_there_already, {}),
    "VM_TO_IMPORT_IS_NOT_NEWER_VERSION": (lambda case: _there_already(case, power_state="Halted"), {}),
    "DUPLICATE_MAC_SEED": (_with_its_seed, {}),
    "INTERNAL_ERROR": (_upgraded, {}),
}


@pytest.mark.parametrize("code", REFUSALS)
def test_it_is_refused(two: Callable[..., Any], code: str) -> None:
    """With XAPI's code, by the question and by the call; nothing moves."""
    spoil, changes = REFUSALS[code]
    with two() as case:
        spoil(case)
        for call in (case.xapi.VM.assert_can_migrate, case.xapi.VM.migrate_send):
            with pytest.raises(XenAPI.Failure) as error:
                call(*case.params(**changes))
            assert code_of(error) == code
        assert case.xapi.VM.get_power_state(case.vm) == "Running"


@pytest.mark.parametrize(
    ("code", "mark"),
    [("VDI_CBT_ENABLED", {"cbt_enabled": True}), ("VDI_IS_ENCRYPTED", {"sm_config": {"key_hash": "1"}})],
)
@pytest.mark.parametrize("with_memory", [False, True])
def test_only_the_call_asks_about_snapshots(
    two: Callable[..., Any], code: str, mark: dict[str, Any], *, with_memory: bool
) -> None:
    """Their disks and memory go along, so that the call refuses what the question lets pass."""
    with two() as case:
        taken = take_snapshot(case.here, case.vm, with_memory=with_memory, **mark)
        case.xapi.VM.assert_can_migrate(*case.params())
        with pytest.raises(XenAPI.Failure) as error:
            case.xapi.VM.migrate_send(*case.params())
        assert error.value.details == [code, taken]


def test_a_disk_that_is_reset_at_boot_is_refused_by_the_call(two: Callable[..., Any]) -> None:
    """As inside a pool: the question lets it pass."""
    with two() as case:
        (disk, *_) = case.vdi_map
        case.here.database.change("VDI", disk, on_boot="reset")
        case.xapi.VM.assert_can_migrate(*case.params())
        with pytest.raises(XenAPI.Failure) as error:
            case.xapi.VM.migrate_send(*case.params())
        assert error.value.details == ["VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION", disk]
