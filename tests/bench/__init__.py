"""Measurements: `make bench`. They print what they found and assert nothing about time."""
