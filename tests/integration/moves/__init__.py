"""Moves between two databases of one server."""
