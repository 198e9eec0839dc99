"""Senseless inputs for all that reads what others wrote: only errors of ours may come out.

`make fuzz` runs them for a time; `tests/unit/test_fuzz.py` a fixed short part of each.
"""
