"""Layers as maps that are undone one after another."""
