"""The nouns of the house: types and checks; nothing that computes a method."""
