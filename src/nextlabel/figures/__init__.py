"""Pictures and pages; matplotlib is imported inside."""
