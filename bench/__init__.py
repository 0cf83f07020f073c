"""Side-by-side measurements of midmile and the servers it is compared with.

`python -m bench NAME` runs one, `make bench` all. `README.md` tells how each is done and what it
does not show.
"""
