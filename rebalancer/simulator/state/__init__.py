"""The simulated pool: records, clock, load, sessions, tasks and faults."""
