"""How the records of each class become values: one module a kind of object."""
