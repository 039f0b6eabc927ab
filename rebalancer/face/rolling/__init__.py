"""All hosts of a pool worked on, one after another: what is kept of it, what hosts show, and the way through it."""
