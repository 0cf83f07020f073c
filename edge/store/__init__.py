"""What is kept, and what is evicted (pure)."""
