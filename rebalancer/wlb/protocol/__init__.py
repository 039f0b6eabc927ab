"""SOAP as XAPI speaks it to a Workload Balancing server: nine calls, and what it accepts in return."""
