"""Runs a network: the only place that puts the rooms together."""
