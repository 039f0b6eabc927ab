"""What can be seen of a run from outside of its process."""
