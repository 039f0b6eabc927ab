"""A Workload Balancing server: XAPI asks it over SOAP where VMs should start, and what should move.

- protocol: what the pool says and what it takes for an answer.

The modules beside it keep who may ask, which pools there are and how each of them stands.
"""
