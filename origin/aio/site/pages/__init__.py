"""The shop's pages: what stands on them, and their templates. Nothing here knows HTTP."""
