"""What is true of learning records: pure model and rules, no I/O, no clock, no randomness."""
