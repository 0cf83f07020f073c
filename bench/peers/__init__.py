"""The servers that midmile is measured beside, each configured as its own documentation recommends.

One folder a peer: its configuration as templates, with a line on why each setting, and how it is
started and stopped. All log each request with the same facts, and keep counters, as midmile does.
"""
