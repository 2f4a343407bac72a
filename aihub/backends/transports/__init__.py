"""Ways to carry bytes to a provider and back: by httpx2, or by h11 alone."""
