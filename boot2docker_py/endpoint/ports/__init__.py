"""Published ports of containers, served on this machine."""
