"""A client here, a channel to the guest there, and the bytes between them."""
