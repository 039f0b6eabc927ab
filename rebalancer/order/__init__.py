"""The order of migrations in which every state on the way is legal."""
