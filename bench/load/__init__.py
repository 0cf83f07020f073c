"""What puts load on contestants: wrk, h2load, dnsperf, and a client of our own.

Their own time does not count; only that of the contestants' processes does.
"""
