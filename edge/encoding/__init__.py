"""Codings of bodies: what to put on, and how."""
