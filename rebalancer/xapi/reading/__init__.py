"""What is read of a pool: its inventory, what changes in it, its metrics, memory and clocks."""
