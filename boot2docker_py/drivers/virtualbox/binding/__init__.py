"""How VirtualBox's API is reached, and what its answers mean."""
