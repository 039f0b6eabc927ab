"""How simulated migrations run: reservation, transfer, arrival."""
