"""HTTP at an origin: validators, ranges, codings, forms, and the responses made of them."""
