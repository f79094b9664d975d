"""What breaks on purpose, and what must hold then."""
