"""Rules that the operator states: groups, pins, hosts to be emptied."""
