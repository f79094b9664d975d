"""The edge by itself: no database."""
