"""Configurations and recipes: words only, no torch."""
