"""What answers a request: a module a concern."""
