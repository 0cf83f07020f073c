"""One node: its keeper process, its workers, and what they share."""
