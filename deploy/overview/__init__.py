"""What an operator sees of a running network: the status page, and the values behind it."""
