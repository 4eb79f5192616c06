"""Phantoms with known truth: thorax CT and brain T1, from a seed."""
