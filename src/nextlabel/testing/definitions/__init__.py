"""The plain definition of every registered strategy, one file each: slow, and right at a glance."""
