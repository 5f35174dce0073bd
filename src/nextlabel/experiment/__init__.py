"""Campaigns answered by an oracle, and what may be concluded from them."""
