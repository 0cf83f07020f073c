"""A wide-area network on one Linux machine: network namespaces joined by links with distance.

`running.py` is the door for measurements, `python -m bench.lab` the one for a person.
"""
