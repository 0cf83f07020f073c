"""What all DNS contestants answer for: one host name, two regions, two edges in each."""

from bench.place import HOST

ZONE = HOST.partition(".")[2]
ANSWER_TTL_S = 20
EAST, WEST = "10.0.0.0/9", "10.128.0.0/9"
"""Networks of users that are nearest to each region."""
EASTS = ("127.68.1.1", "127.68.1.2")
WESTS = ("127.68.2.1", "127.68.2.2")
