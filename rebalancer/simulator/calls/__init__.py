"""The calls of the simulated XAPI: what each does, and how a request finds it."""
