"""What puts load on contestants, and what tells how long they took.

wrk, dnsperf and a client of our own (`keepalive`) ask for much: their own time does not count, only
that of the contestants' processes. h2load's, `curl`'s and `browser`'s clocks are what is measured.
`reader` puts no load on anything and has no clock: it is for counting bytes.
"""
