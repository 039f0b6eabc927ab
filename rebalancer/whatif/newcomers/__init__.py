"""VMs that are not there yet: what they are like, and the pool once they run."""
