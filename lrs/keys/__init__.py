"""Keys: the ring of each person, envelopes under key-encryption keys, the blind index."""
