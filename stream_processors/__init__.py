"""Relay from the notification log to Kafka, and the Faust agents that feed the views."""
