"""Rules on the CPUs of the target."""
