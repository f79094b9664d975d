"""Pure folds over learning facts, and their Postgres views."""
