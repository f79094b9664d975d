"""Real xAPI clients, from their own packages, against a running server."""
