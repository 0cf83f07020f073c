"""Log lines: how processes write them, how the supervisor passes them on, how people see them."""
