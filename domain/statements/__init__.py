"""xAPI statements: model, rules, equality, references, formats; pure."""
