"""HTTP delivery: what an edge does to a request and a response."""
