"""Manage the life of one small Linux VM that runs the Docker Engine."""

from __future__ import annotations

__version__ = "0.1.0"
