"""The report of an audit: its words, pictures and page."""
