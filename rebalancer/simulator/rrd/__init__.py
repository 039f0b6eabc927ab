"""The metrics of a simulated pool, answered over HTTP by each host as xcp-rrdd does (XAPI.md 3)."""
