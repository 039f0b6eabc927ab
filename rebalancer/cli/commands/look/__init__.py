"""What there is: a pool, what may move in it, and why."""
