"""A pool of three hosts of which one can only be emptied at the cost of load, or of more GiB."""

from __future__ import annotations

VMS = {"x": ("h3", 2.0), "a": ("h1", 8.0), "b": ("h1", 4.0), "c": ("h2", 8.0)}
LOAD = {"x": (6.0,) * 4, "a": (6.0,) * 4, "b": (3.0,) * 4, "c": (9.0,) * 4}
"""x has to leave h3. With 2 GiB it comes to a host that is then at 15 of 16 pCPUs; where b goes to h2 first, for 4 GiB
more, no host is above its 12."""
HOT = 48
"""What 15 pCPUs cost in four slots, 0.8 x (1 + 2) + 0.4 x (4 + 6 + 8) + 0.2 x 12 in each."""
