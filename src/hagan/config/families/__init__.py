"""Recipes of each model, one file a model."""
