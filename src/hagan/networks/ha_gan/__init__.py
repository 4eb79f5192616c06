"""HA-GAN's networks."""
