"""Load for an hour; at the end the forwarder has no more than at the start."""
