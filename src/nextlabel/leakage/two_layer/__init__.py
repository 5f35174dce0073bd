"""The gradient of a two-layer network, taken apart."""
