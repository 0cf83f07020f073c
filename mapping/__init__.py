"""Authoritative DNS in two tiers: which users go to which edges."""
