"""Everything a `docker` client connects to."""
