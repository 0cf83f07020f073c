"""The parent node beside the origin, and the demo site."""
