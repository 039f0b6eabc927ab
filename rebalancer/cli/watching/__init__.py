"""What people see while the library works."""
