"""High availability: failover plans, and hosts to spare."""
