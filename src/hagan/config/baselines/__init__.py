"""Configurations of the systems that the paper compares with, one file a system."""
