"""The docker client of this machine, and what points it at an engine."""
