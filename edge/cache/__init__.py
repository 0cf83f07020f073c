"""RFC 9111 and its relatives as pure decisions."""
