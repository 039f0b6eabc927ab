"""XAPI's side of Workload Balancing: what it asks a server for, and what it takes for an answer."""
