"""What each command of `midmile` does, one module a command; `deploy/cli.py` reads the options."""
