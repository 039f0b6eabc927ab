"""Questions about pools as they might be: one more VM, a dead host, other prices, scenarios, other weeks."""
