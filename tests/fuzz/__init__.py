"""Malformed input of every kind: never a 500, always what is wrong."""
