"""How many more VMs fit a pool."""
