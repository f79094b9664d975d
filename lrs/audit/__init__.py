"""What an officer asks of the record: receipts that anybody can verify, and replay."""
