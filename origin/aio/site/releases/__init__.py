"""Releases of the shop: what one changes, which is shown, and the static files under its names."""
