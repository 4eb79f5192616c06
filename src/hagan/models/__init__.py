"""The game: one interface, its models, losses and weights."""
