"""Trained models to volumes, codes and reconstructions."""
