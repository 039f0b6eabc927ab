"""Rules on the VM itself."""
