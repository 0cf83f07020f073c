"""What others ask of an HTTP cache."""
