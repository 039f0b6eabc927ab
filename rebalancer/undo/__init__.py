"""Taking a plan back, or a part of it."""
