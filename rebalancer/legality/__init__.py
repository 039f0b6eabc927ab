"""Reports about rules: who may move where, what holds the others, and wishes that cannot be kept."""
