"""The parts of `benchmarks/speed.py`, one file each, and what they share."""
