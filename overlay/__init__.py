"""The road between nodes: a UDP overlay (not built yet)."""
