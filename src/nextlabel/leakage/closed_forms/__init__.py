"""What follows from linear layers alone: labels, features, items."""
