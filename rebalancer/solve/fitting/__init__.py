"""How many more VMs of some sizes fit: found by moving others about, with a bound that no placement is above."""
