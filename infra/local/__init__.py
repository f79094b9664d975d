"""Runs the real dependencies on one machine, and supervises them: Postgres, Kafka, ClickHouse."""
