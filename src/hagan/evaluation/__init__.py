"""Judging sets of volumes, whoever made them."""
