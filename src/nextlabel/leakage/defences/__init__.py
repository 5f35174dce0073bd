"""What may be done to a message before it is sent, and what it bounds."""
