"""This machine: its processes, ports, named pipes and sleep. What differs on Windows is here."""
