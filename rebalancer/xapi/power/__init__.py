"""What is done to hosts and VMs besides migrations: each call behind a door that only words of a policy open."""
