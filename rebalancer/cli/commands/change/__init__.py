"""What moves VMs, and what tells and settles how far that came."""
