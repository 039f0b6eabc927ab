"""Other balancers on the same instances: two well-known methods of our own writing, and proxlb-solver."""
