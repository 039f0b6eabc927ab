"""Rules on the state, version and licence of hosts."""
