"""Layers: modules that take plain numbers."""
