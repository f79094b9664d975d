"""Over HTTP, with the real record store."""
