"""What a visitor has: all of it in cookies."""
