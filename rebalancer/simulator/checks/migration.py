"""stub"""

from rebalancer.simulator.failure import ApiFailure


def must_wait(db, vm, host, options):
    v = db.get("VM", vm)
    if "pool_migrate" in v["blocked_operations"]:
        raise ApiFailure("OPERATION_BLOCKED", vm, v["blocked_operations"]["pool_migrate"])
    if v["power_state"] != "Running":
        raise ApiFailure("VM_BAD_POWER_STATE", vm, "running", v["power_state"].lower())
    return bool(v["current_operations"])


def assert_may_start(db, vm, host, options):
    pass
