"""Rules on what runs inside a VM."""
