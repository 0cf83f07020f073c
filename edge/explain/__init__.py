"""What a node would do with a request, told instead of done."""
