"""`/api/v1`: projections, analytics, compliance and administration; one noun, one file."""
