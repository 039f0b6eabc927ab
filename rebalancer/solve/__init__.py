"""Where VMs should be."""
