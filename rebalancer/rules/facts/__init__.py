"""Facts about VMs, hosts and disks that several rules read."""
