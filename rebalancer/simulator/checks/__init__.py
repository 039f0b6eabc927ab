"""What XAPI checks before it moves a VM, in its order and with its error codes (XAPI.md 0.1 and 1)."""
