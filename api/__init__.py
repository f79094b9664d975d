"""HTTP: the xAPI resources, `/api/v1`, pages and health."""
