"""The small values that statements are made of: IRI, language tag, timestamp, duration, score."""
