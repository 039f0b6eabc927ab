"""One writer a pool, wherever its runs are started."""
