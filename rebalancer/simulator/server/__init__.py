"""The simulated hosts on the network."""
