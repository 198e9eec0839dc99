"""This machine: what of it differs by platform, so that nobody else has to know."""
