"""What a campaign may honestly claim: of its model, of its file, and of the people who label."""
