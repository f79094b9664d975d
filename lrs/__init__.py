"""The record store: event-sourced append, keys, queries, erasure, audit log."""
