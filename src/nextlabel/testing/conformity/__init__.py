"""The parts of `nextlabel.testing.conformance`: questions, answers, laws, promises, shrinking, writing."""
