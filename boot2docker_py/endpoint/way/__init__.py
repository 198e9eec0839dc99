"""How the engine in the guest is reached, and reached again."""
