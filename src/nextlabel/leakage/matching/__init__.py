"""The optimisation behind the matching of gradients."""
