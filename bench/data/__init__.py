"""Measurements that others made of the Internet; `README.md` has their sources and licences."""
