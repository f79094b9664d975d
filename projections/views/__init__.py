"""Where the folds keep their states: tables, batches in one transaction, reads."""
