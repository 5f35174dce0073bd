"""Named public sets: where each comes from and how it is read."""
